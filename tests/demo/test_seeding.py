"""Filling the registers: once, completely, and again after whatever came between."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text, update

from tests.postgres import somebody_waits
from tests.support import GROUND
from wallet.db import Database
from wallet.demo import nation
from wallet.demo.nation import GENERATOR, renew, seed_nation
from wallet.demo.personas import persona
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.sources.models import NationBase, NationMeta
from wallet.sources.people import EmbeddedPopulation

CITIZENS = 5000
ROOT = Path(__file__).parents[2]


class Killed(BaseException):
    pass


def tables(database: Database) -> dict[str, list[Any]]:
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in NationBase.metadata.sorted_tables
        }


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, list[Any]]:
    """The tables of a seeding that nothing interrupted."""
    database = Database(f"sqlite:///{tmp_path}/whole.db")
    seed_nation(database, seed=2, citizens=CITIZENS)
    content = tables(database)
    database.close()
    return content


def test_seeding_writes_everybody_and_reports_progress(database: Database) -> None:
    progress: list[tuple[int, int]] = []
    result = seed_nation(database, seed=2, citizens=CITIZENS, on_progress=lambda *step: progress.append(step))
    assert result.written == result.citizens == CITIZENS
    assert len(tables(database)["nation_population"]) == CITIZENS
    assert len(progress) > 1
    assert progress == sorted(progress)
    assert progress[-1] == (CITIZENS, CITIZENS)


def test_both_databases_hold_the_same(database: Database, whole: dict[str, list[Any]]) -> None:
    seed_nation(database, seed=2, citizens=CITIZENS)
    assert tables(database) == whole


def test_seeding_again_does_nothing(database: Database) -> None:
    seed_nation(database, seed=2, citizens=1000)
    before = tables(database)
    started = process_time()  # what others do meanwhile is not its work
    assert seed_nation(database, seed=2, citizens=1000).written == 0
    assert process_time() - started < 0.5
    assert tables(database) == before


@pytest.mark.parametrize("chunks", [1, 2])
def test_interrupted_seeding_goes_on(database: Database, whole: dict[str, list[Any]], chunks: int) -> None:
    seen: list[int] = []

    def stop(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) == chunks:
            raise Killed

    with pytest.raises(Killed):
        seed_nation(database, seed=2, citizens=CITIZENS, on_progress=stop)
    assert len(tables(database)["nation_population"]) == seen[-1] < CITIZENS
    assert seed_nation(database, seed=2, citizens=CITIZENS).written == CITIZENS - seen[-1]
    assert tables(database) == whole


def test_a_commit_of_a_killed_seeding_that_is_yet_to_come_is_waited_for(
    sources_url: str, database: Database, whole: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process had sent when it was killed the server carries out after its death: the next one begins then."""
    sent, arrives, chunks = threading.Event(), threading.Event(), list[int]()
    insert, former = nation._insert, threading.Thread(target=lambda: killed(), daemon=True)

    def slowly(*arguments: Any) -> None:
        insert(*arguments)
        if threading.current_thread() is former and chunks:
            sent.set()
            assert arrives.wait(60)

    def stop(done: int, _total: int) -> None:
        chunks.append(done)
        if len(chunks) == 2:
            raise Killed

    def killed() -> None:
        with closing(Database(sources_url)) as dying, suppress(Killed):
            seed_nation(dying, seed=2, citizens=CITIZENS, on_progress=stop)

    monkeypatch.setattr(nation, "_insert", slowly)
    former.start()
    assert sent.wait(60)
    with ThreadPoolExecutor(1) as threads:
        next_one = threads.submit(seed_nation, database, seed=2, citizens=CITIZENS)
        somebody_waits(sources_url)
        arrives.set()
        former.join(60)
        assert next_one.result(60).written == CITIZENS - chunks[1]
    assert tables(database) == whole


def test_killed_process_leaves_nothing_half(sources_url: str, database: Database, whole: dict[str, list[Any]]) -> None:
    script = (
        "import os, signal, sys\n"
        "from wallet.db import Database\n"
        "from wallet.demo.nation import seed_nation\n"
        "kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"seed_nation(Database(sys.argv[1]), seed=2, citizens={CITIZENS}, on_progress=kill)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", script, sources_url], env=environ, check=False, timeout=60)
    assert killed.returncode == -9
    assert 0 < len(tables(database)["nation_population"]) < CITIZENS
    seed_nation(database, seed=2, citizens=CITIZENS)
    assert tables(database) == whole


def test_another_nation_is_not_overwritten_by_accident(database: Database) -> None:
    seed_nation(database, seed=2, citizens=600)
    before = tables(database)
    for seed, citizens in ((3, 600), (2, 700)):
        with pytest.raises(Conflict) as refusal:
            seed_nation(database, seed=seed, citizens=citizens)
        assert refusal.value.code == "nation_differs"
    assert tables(database) == before


def test_another_nation_is_replaced_on_request(database: Database) -> None:
    seed_nation(database, seed=2, citizens=600)
    former = {row[0] for row in tables(database)["nation_population"]}
    seed_nation(database, seed=3, citizens=500, replace=True)
    now = {row[0] for row in tables(database)["nation_population"]}
    assert len(now) == 500
    assert former & now == {number for number in now if number[6:] < "001000"}
    assert EmbeddedPopulation(database).read(persona("an").number, GROUND).values["full_name"] == "Nguyễn Mẫu An"
    with pytest.raises(NotFound):
        EmbeddedPopulation(database).read(next(iter(former - now)), GROUND)


def test_nation_of_an_older_generator_is_made_anew_from_its_own_seed(database: Database) -> None:
    seed_nation(database, seed=2, citizens=600)
    before = tables(database)
    assert renew(database) is None
    with database.write() as session:
        session.execute(update(NationMeta).where(NationMeta.key == "generator").values(value="2"))
        session.execute(text("DROP TABLE nation_convictions"))
    with pytest.raises(Conflict):
        seed_nation(database, seed=2, citizens=600)
    renewed = renew(database)
    assert renewed is not None
    assert renewed.written == 600
    assert GENERATOR != "2"
    assert tables(database) == before


def test_nothing_is_made_anew_where_no_nation_is(database: Database) -> None:
    assert renew(database) is None


def test_larger_nation_has_the_papers_of_the_smaller(database: Database) -> None:
    seed_nation(database, seed=2, citizens=900)
    small = tables(database)
    seed_nation(database, seed=2, citizens=1500, replace=True)
    large = tables(database)
    # The last household of the smaller nation had no room to be what it is in the larger one; every other has had.
    homes: dict[str, str] = {row[0]: row[1] for row in small["nation_residence"]}
    last = max(home for home in homes.values() if not home.startswith("HKM"))
    cut = {number for number, home in homes.items() if home == last}
    for name in ("nation_convictions", "nation_health_insurance", "nation_health_records", "nation_vehicles"):
        assert {row for row in small[name] if row[0] not in cut} <= set(large[name]), name


def test_second_seeding_at_the_same_time_gives_way(database: Database) -> None:
    def another(_done: int, _total: int) -> None:
        with database.write() as session:
            session.execute(update(NationMeta).where(NationMeta.key == "households").values(value="9999"))

    with pytest.raises(Conflict) as refusal:
        seed_nation(database, seed=2, citizens=CITIZENS, on_progress=another)
    assert refusal.value.code == "nation_being_seeded"


def test_database_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        seed_nation(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), seed=1, citizens=10)


def test_tables_of_the_registers_are_not_the_wallets(database: Database) -> None:
    names = set(NationBase.metadata.tables)
    assert all(name.startswith("nation_") for name in names)
    seed_nation(database, seed=2, citizens=10)
    engine = create_engine(database.url)
    with engine.connect() as connection:
        assert set(engine.dialect.get_table_names(connection)) == names
    engine.dispose()
