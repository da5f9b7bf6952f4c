"""The file that connects partners: every mistake in it is told at once, before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from tests.sources.partner import KEY, write_file
from tests.support import GROUND, FixedClock
from wallet.db import Database
from wallet.demo.nation import generate
from wallet.errors import ConfigurationError, NotFound
from wallet.sources.base import RegisterCode
from wallet.sources.embedded import embedded_registers
from wallet.sources.partners import read_partners
from wallet.sources.shapes import REQUIRED, SHAPES, FactKind, Shape

URL = "https://api.example.vn/v1/persons"


def problems(path: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        read_partners(path)
    return [problem.removeprefix("WALLET_SOURCES_HTTP_FILE: ") for problem in refusal.value.problems]


def test_no_file_is_no_partner() -> None:
    assert read_partners("") == ()


def test_file_is_read_with_its_key(tmp_path: Path) -> None:
    (partner,) = read_partners(write_file(tmp_path, residence={"url": URL, "facts": {"permanent_since": "TuNgay"}}))
    assert (partner.code, partner.url, partner.place) == ("residence", URL, "https://api.example.vn")
    assert partner.api_key == KEY
    assert KEY not in repr(partner)
    assert partner.facts == {"permanent_since": "TuNgay"}
    assert partner.shape is SHAPES["residence"]
    assert partner.changes_url == "", "it is asked for changes where its entry says so, and nowhere else"
    (partner,) = read_partners(write_file(tmp_path, residence={"url": URL, "changes_url": f"{URL}/changes"}))
    assert partner.changes_url == f"{URL}/changes"


def test_register_that_the_wallet_does_not_know_brings_shape_and_name(tmp_path: Path) -> None:
    name = {"vi": "hội viên", "en": "member"}
    stated = {"url": URL, "name": name, "shape": {"rank": "text", "stays": {"since": "day"}}}
    (partner,) = read_partners(write_file(tmp_path, club_members=stated))
    assert partner.names == name
    assert partner.shape == {"rank": FactKind.TEXT, "stays": {"since": FactKind.DAY}}
    assert partner.required == frozenset()


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = write_file(
        tmp_path,
        population={"url": "http://api.example.vn/", "agency": "G" * 36, "integration_code": "I" * 21, "attempts": 0},
        residence={"url": None, "api_key_file": "none.key", "facts": {"permanent_snce": "TuNgay"}, "retries": 3},
        vehicles={"url": URL, "shape": {"plate": "text"}, "connect_seconds": 9, "budget_seconds": 1},
        Club={"url": "https://", "procedures": {"residence": "x" * 21}},
        club={"url": URL, "shape": {"rank": "words"}, "name": {"vi": "hội"}},
    )
    told = "\n".join(problems(path))
    for place in (
        "population.url: must be https", "population.agency", "population.integration_code", "population.attempts",
        "residence.url", "residence.api_key_file", "residence.facts.permanent_snce: no such fact", "residence.retries",
        "vehicles.shape: the wallet knows", "vehicles.budget_seconds", "'Club' is no code", "Club.url",
        "Club.procedures", "Club.shape: missing", "Club.name: missing", "club.shape", "club.name: must have both",
    ):  # fmt: skip
        assert place in told, (place, told)


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://api.example.vn/v1", True),
        ("http://127.0.0.1:8080/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost/v1", True),
        ("http://127.0.0.1.example.vn/", False),
        ("http://10.0.0.1/", False),
        ("https://user:secret@api.example.vn/", False),
        ("https://api.example.vn:0/", False),
        ("https://api.example.vn:99999/", False),
        ("https://api.example.vn/#here", False),
        ("ftp://api.example.vn/", False),
        ("https://api example.vn/", False),
        ("https://api.example.vn/\n", False),
        ("https://[::1/", False),
        ("api.example.vn", False),
        ("", False),
        (7, False),
        (None, False),
    ],
)
def test_address_is_https_unless_it_stays_here(tmp_path: Path, url: Any, accepted: bool) -> None:
    path = write_file(tmp_path, residence={"url": url})
    if accepted:
        assert read_partners(path)[0].url == url
    else:
        assert all(problem.startswith("residence.url") for problem in problems(path))


@pytest.mark.parametrize("url", ["", 7, "http://api.example.vn/changes", "/changes", f"{URL}#changes"])
def test_address_for_changes_is_held_to_the_same(tmp_path: Path, url: Any) -> None:
    told = problems(write_file(tmp_path, residence={"url": URL, "changes_url": url}))
    assert told
    assert all(problem.startswith("residence.changes_url") for problem in told)


def test_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path, residence={"url": URL})
    (tmp_path / "partner.key").chmod(0o640)
    assert "chmod 600" in problems(path)[0]
    assert KEY not in problems(path)[0]


@pytest.mark.parametrize("content", ["", "two words", "line\nbreak", "khóa"])
def test_key_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = write_file(tmp_path, residence={"url": URL})
    (tmp_path / "partner.key").write_text(content)
    assert problems(path)[0].startswith("residence.api_key_file")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "7", '{"a": 1, "a": 2}', "[" * 100_000, '{"residence": []}', '{"residence": null}'],
)
def test_file_that_is_no_such_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sources.json"
    path.write_text(content)
    assert problems(str(path))
    assert problems(str(tmp_path / "none.json"))


def fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, dict):
        return all(each.keys() <= kind.keys() and all(fits(each[n], kind[n]) for n in each) for each in value)
    types = {"text": str, "int": int, "bool": bool, "texts": tuple, "bytes": bytes}
    return isinstance(value, types[kind]) if kind in types else (kind == "birth" or not isinstance(value, str))


def test_embedded_registers_state_what_a_partner_may_and_no_more(nation: Database) -> None:
    """A partner takes an embedded register's place without anybody noticing: the shapes are those of the tables."""
    people = [person.number for household in generate(5, 400) for person in household.people]
    seen: dict[str, set[str]] = {code: set() for code in RegisterCode}
    for code, register in embedded_registers(nation, FixedClock(), bytes(32)).items():
        shape: Shape = SHAPES[code]
        for number in ["0099000001"] if code == RegisterCode.BUSINESSES else people:
            try:
                values = register.read(number, GROUND).values
            except NotFound:
                continue
            assert values.keys() <= shape.keys(), code
            for required in REQUIRED.get(code, frozenset()):
                fact, _, part = required.partition(".")
                assert all(part in record for record in values.get(fact, ())) if part else fact in values, required
            assert all(fits(value, shape[name]) for name, value in values.items()), (code, values)
            seen[code] |= values.keys()
    for code in RegisterCode:
        assert seen[code] == set(SHAPES[code]), code
