"""What every command that opens the wallet says of a database that is not ready."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from wallet.commands.opening import opened
from wallet.db import Database
from wallet.errors import Unavailable
from wallet.schema import current_version, schema_problem
from wallet.settings import Settings

Run = Callable[..., Result]

OPENING = [
    ("staff", "list"),
    ("verifiers", "list"),
    ("utilities", "status", "residence"),
    ("accounts", "sweep"),
    ("documents", "check"),
    ("jobs", "run"),
    ("jobs", "run", "--once"),
    ("keys", "reissue"),
]


@pytest.mark.parametrize("arguments", OPENING, ids=" ".join)
def test_a_database_without_tables_is_told_with_the_command_that_makes_them(
    run: Run, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    result = run(*arguments, WALLET_DATABASE_URL=url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the database lacks its tables\n  → wallet db upgrade" in result.stderr
    assert current_version(Database(url)) is None


AWAY = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


@pytest.mark.parametrize("arguments", [each for each in OPENING if each != ("jobs", "run")], ids=" ".join)
def test_a_database_that_is_away_is_no_missing_table(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, WALLET_DATABASE_URL=AWAY)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "(dependency_unavailable)" in result.stderr
    assert "wallet db upgrade" not in result.stderr


def test_whoever_runs_on_waits_for_a_database_that_is_away(deployment: Settings) -> None:
    away = replace(deployment, database_url=AWAY)
    with opened(away, patient=True) as wallet, pytest.raises(Unavailable):
        schema_problem(wallet.db)
    with pytest.raises(Unavailable), opened(away):
        pytest.fail("it was opened")
