"""`wallet documents check`: exit 0 with a count, exit 1 with the first document that does not fit."""

import json

from sqlalchemy import create_engine, text

from tests.commands.conftest import Run
from wallet.settings import Settings


def test_what_was_issued_is_counted(run: Run) -> None:
    result = run("documents", "check", "--json")
    assert result.exit_code == 0, result.output
    tally = json.loads(result.stdout)
    assert tally["verified"] > 0
    assert tally["mismatch"] is None
    assert tally["copies"].keys() == {"sd_jwt", "mdoc", "pdf", "card", "live"}
    told = run("documents", "check")
    assert "copies hold" in told.stderr + told.stdout


def test_the_first_that_does_not_fit_ends_it_with_words(run: Run, deployment: Settings) -> None:
    engine = create_engine(deployment.database_url)
    with engine.begin() as connection:
        first = connection.execute(text("SELECT id FROM documents ORDER BY id LIMIT 1")).scalar_one()
        connection.execute(text("UPDATE documents SET kind_version = 9 WHERE id = :id"), {"id": first})
    engine.dispose()
    result = run("documents", "check")
    assert result.exit_code == 1
    assert first in result.stderr
    assert "another_document" in result.stderr
    assert "→ wallet doctor" in result.stderr
