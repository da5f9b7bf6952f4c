"""`python -m bench`: ratios measured in one run, variants in turns, best of many rounds.

Absolute figures drift with the machine and with what else runs on it; the ratios hold. docs/performance.md says what
they mean. PostgreSQL is measured where --postgres or WALLET_TEST_POSTGRES names a server, or this machine has one.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from bench.cases import FULL, QUICK, Bench, Row, checking, checking_at_desk, growing, issuing, verifying
from bench.deployment import copy_of, make_template, on_postgres
from bench.front import verifying_in_typescript
from bench.papers import printing

PACKAGES = ("cryptography", "flask", "granian", "sqlalchemy", "marshmallow")
LOCAL_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
CASES = ("verify", "front", "check", "desk", "issue", "pdf", "grow")


def main(arguments: list[str] | None = None) -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under a minute")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="write JSON, to a file or to stdout")
    parser.add_argument("--only", action="append", choices=CASES, help="one case; may be repeated")
    parser.add_argument("--postgres", default=os.environ.get("WALLET_TEST_POSTGRES"), metavar="URL", help="'' for none")
    options = parser.parse_args(arguments)
    wanted = options.only or CASES
    postgres = _found_postgres() if options.postgres is None and "issue" in wanted else options.postgres or ""
    started = time.monotonic()
    rows: list[Row] = []
    with _temporary() as directory, _progress() as on_step:
        on_step("a deployment of its own", 0, 1)
        template = make_template(directory / "template")
        on_step("a deployment of its own", 1, 1)
        bench = Bench(template, directory, QUICK if options.quick else FULL, on_step)
        if "verify" in wanted:
            rows += verifying(bench)
        if "front" in wanted:
            rows += verifying_in_typescript(bench)
        if "check" in wanted:
            rows += checking(bench)
        if "desk" in wanted:
            rows += checking_at_desk(bench)
        if "issue" in wanted:
            rows += issuing(bench, copy_of(template, directory / "issue"), "SQLite")
            if postgres:
                with on_postgres(template, postgres) as deployment:
                    rows += issuing(bench, deployment, "PostgreSQL")
        if "pdf" in wanted:
            rows += printing(bench)
        if "grow" in wanted:
            rows += growing(bench)
    seconds = time.monotonic() - started
    about = _about(seconds, quick=options.quick, postgres=bool(postgres))
    if options.json != "-":
        print(_table(rows, about))
    if options.json is not None:
        text = json.dumps({"about": about, "rows": [_as_json(row) for row in rows]}, ensure_ascii=False, indent=1)
        if options.json == "-":
            print(text)
        else:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
    return 0


def _found_postgres() -> str:
    """Return the server of this machine when it lets us in without a password, as `make test` finds it."""
    try:
        create_engine(LOCAL_POSTGRES, connect_args={"connect_timeout": 2}).connect().close()
    except (ImportError, SQLAlchemyError):
        return ""
    return LOCAL_POSTGRES


def _table(rows: list[Row], about: dict[str, object]) -> str:
    lines = [f"{about['machine']} · {about['versions']}", ""]
    lines += [f"{'case':24} {'what':24} {'µs':>9}   {'held against':34} {'µs':>9}  ratio"]
    for row in rows:
        ratio = f"{row.ratio:6.{3 if row.ratio < 0.1 else 2}f}"
        held = f"{row.than:34} {row.than_us:9.1f}"
        lines.append(f"{row.case:24} {row.what:24} {row.what_us:9.1f}   {held}  {ratio}")
    opened = [f"{row.case} {row.more['files_opened']}" for row in rows if "files_opened" in row.more]
    if opened:
        lines += ["", f"files opened for one call: {' · '.join(opened)}"]
    if not about["postgres"] and any(row.case.startswith("issue") for row in rows):
        lines += ["", "PostgreSQL was NOT measured: none answers here; set WALLET_TEST_POSTGRES or give --postgres URL"]
    lines += ["", f"ratio: 1.00 is as quick as what it is held against · {about['mode']} · {about['seconds']} s"]
    return "\n".join(lines)


def _as_json(row: Row) -> dict[str, object]:
    return {
        "case": row.case,
        "what": row.what,
        "what_microseconds": round(row.what_us, 2),
        "than": row.than,
        "than_microseconds": round(row.than_us, 2),
        "ratio": round(row.ratio, 3),
        **row.more,
    }


def _about(seconds: float, *, quick: bool, postgres: bool) -> dict[str, object]:
    versions = " · ".join(f"{name} {version(name)}" for name in PACKAGES)
    openssl = backend.openssl_version_text().split("(")[0].strip()
    return {
        "machine": f"{_processor()} × {os.cpu_count()} · {platform.system()} {platform.release()}",
        "versions": f"Python {platform.python_version()} · {openssl} · {versions}",
        "mode": "quick" if quick else "full",
        "postgres": postgres,
        "seconds": round(seconds, 1),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wallet-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far it is on stderr: a bar where somebody watches, one line for each finished step elsewhere."""
    if sys.stderr.isatty():
        from rich.progress import Progress

        with Progress(transient=True) as bar:
            tasks: dict[str, object] = {}

            def on_bar(title: str, done: int, total: int) -> None:
                task = tasks.get(title) or tasks.setdefault(title, bar.add_task(title, total=total))
                bar.update(task, completed=done, total=total)

            yield on_bar
        return

    def plain(title: str, done: int, total: int) -> None:
        if done == total:
            print(f"  {title}", file=sys.stderr, flush=True)

    yield plain


if __name__ == "__main__":
    sys.exit(main())
