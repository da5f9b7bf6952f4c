"""What the wallet is held against: the same Flask, the same server, and nothing else.

`/json` reads a JSON body and answers twelve fields. `/commit` does the same and commits one row durably first: the
least that an endpoint can do which must not forget. The database is the one of BENCH_DATABASE.
"""

import sqlite3
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from flask import Flask, Response, jsonify, request

ANSWER = {f"field_{number}": f"value {number}" for number in range(12)}
ROW = "x" * 200


def durable_insert(url: str) -> Callable[[], None]:
    """Return a call that inserts one row of 200 letters and commits it, with nothing in between but the driver."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS bench_rows (id INTEGER PRIMARY KEY, content TEXT)")
        one_writer = threading.Lock()

        def insert_sqlite() -> None:
            with one_writer:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO bench_rows (content) VALUES (?)", (ROW,))
                connection.execute("COMMIT")

        return insert_sqlite
    import psycopg

    local = threading.local()
    dsn = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(dsn) as first:
        first.execute("CREATE TABLE IF NOT EXISTS bench_rows (id bigserial PRIMARY KEY, content text)")

    def insert_postgres() -> None:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(dsn)
        local.connection.execute("INSERT INTO bench_rows (content) VALUES (%s)", (ROW,))
        local.connection.commit()

    return insert_postgres


def create_bare(url: str | None = None) -> Flask:
    """Return the bare application; `/commit` only where there is a database to commit to."""
    app = Flask("bench.bare")

    @app.post("/json")
    def answer_json() -> Response:
        read: dict[str, Any] = request.get_json()
        return jsonify(ANSWER if read else {})

    if url is not None:
        insert = durable_insert(url)
        numbers = count()

        @app.post("/commit")
        def answer_commit() -> Response:
            read: dict[str, Any] = request.get_json()
            insert()
            return jsonify({**ANSWER, "number": next(numbers)} if read else {})

    return app
