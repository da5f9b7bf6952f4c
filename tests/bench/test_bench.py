"""The bench runs and says what it measured. No figure is judged here: a busy machine is no defect."""

import json

import pytest

from bench import cases, reissue, status
from bench.__main__ import main
from tests.verifier.front import need_front


def test_bench_prints_ratios_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "verify", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (row,) = found["rows"]
    assert row["case"] == "offline verify"
    assert row["ratio"] > 0
    assert "cryptography" in found["about"]["versions"]


def test_bench_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "verify"]) == 0
    told = capsys.readouterr()
    assert "raw P-256 verify" in told.out
    assert "offline verify" in told.err  # one plain line for each step, for no terminal watches


def test_bench_holds_the_verifier_of_the_pages_against_ours(capsys: pytest.CaptureFixture[str]) -> None:
    need_front()
    assert main(["--quick", "--only", "front", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["case"], row["than"]) == ("offline verify, TypeScript", "the same in Python")
    assert row["ratio"] > 0


def test_bench_holds_a_desks_check_and_its_count_against_those_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "desk", "--json"]) == 0
    check, count = json.loads(capsys.readouterr().out)["rows"]
    assert (check["what"], check["than"]) == ("POST /v1/verifier/checks", "POST /v1/checks")
    assert (count["what"], count["than"]) == ("5,000 seen before", "none before")
    assert count["ratio"] > 0


def test_bench_holds_what_has_grown_against_what_is_small(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MANY", 400)
    assert main(["--quick", "--only", "grow", "--json"]) == 0
    verify, check, issue = json.loads(capsys.readouterr().out)["rows"]
    assert [(each["what"], each["than"]) for each in (verify, check, issue)] == [("400 documents", "100 documents")] * 3
    assert (verify["files_opened"], check["files_opened"]) == (0, 0)
    assert 1 <= issue["files_opened"] < 2, "the mark of its status list, which is written ahead now and then"


def test_bench_makes_a_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "pdf", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["case"], row["than"]) == ("PDF", "typeset")
    assert 0 < row["ratio"] < 1.5


def test_bench_of_status_tells_every_cost_at_each_scale(capsys: pytest.CaptureFixture[str]) -> None:
    assert status.main(["--entries", "40000", "--base-log2", "12", "--large-log2", "14", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    one, many, large = found["scales"]
    assert (one["lists"], many["lists"], large["lists"]) == (1, 10, 3)
    assert many["board_bytes"] == 10 * one["board_bytes"]
    assert many["bundle_bytes"] > one["bundle_bytes"]
    assert {each["level"] for each in found["deflating"]} == {1, 6, 9}


def test_bench_of_reissuing_tells_rate_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert reissue.main(["--documents", "120", "--postgres", "", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["database"] == "SQLite"
    assert found["documents"] >= 120, "all that the key signed, and nothing was left"
    assert 0 < found["ratio"] < 1
    assert found["hours_for_a_million"] > 0
    assert found["peak_bytes_many"] < 2 * found["peak_bytes_few"], "four times as many take no more than one round"
