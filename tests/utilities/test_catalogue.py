"""Finding utilities: folders and entry points; a broken one stops the start and is named, with all that is wrong."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.utilities.plugins import MADE_UP, TEXTS, plugin
from wallet.errors import ConfigurationError, NotFound, UnknownUtility
from wallet.utilities import catalogue as module
from wallet.utilities.base import Claim, Kind, Source, Utility
from wallet.utilities.catalogue import Catalogue, Plugin, faults

Install = Callable[..., str]
UTILITY = """
from datetime import timedelta
from wallet.utilities.base import Claim, Paper, Source, Utility
utility = Utility(
    code={code!r}, version=1, title={{"vi": "Giấy mẫu", "en": "Sample"}}, validity=timedelta(days={days}),
    claims=(Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),),
)
"""
LABELS = {"vi": {"claims": {"full_name": "Họ và tên"}}, "en": {"claims": {"full_name": "Full name"}}}

TOLD = json.dumps(LABELS)
WHOLE_DAYS = "its validity is not a number of whole days"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install another package's utility, as pip does: a module and an entry point beside it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def put(name: str, code: str, *, days: int = 30, source: str = UTILITY, texts: str | None = TOLD) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text(source.format(code=code, days=days), encoding="utf-8")
        if texts is not None:
            (folder / "texts.json").write_text(texts, encoding="utf-8")
        told = tmp_path / f"{name}-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (told / "entry_points.txt").write_text(f"[{module.ENTRY_POINTS}]\n{name} = {name}:utility\n")
        names.append(name)
        return name

    yield put
    for name in names:
        sys.modules.pop(name, None)


def refusal() -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Catalogue.discover()
    return caught.value


# --- Finding --------------------------------------------------------------------------------------------------------


def test_own_folders_are_found() -> None:
    found = Catalogue.discover()
    assert found.get("residence").code == "residence"
    assert found.plugin("residence").module == "wallet.utilities.residence"


def test_entry_point_of_another_package_is_found(install: Install) -> None:
    install("someone_elses_permit", "permit")
    found = Catalogue.discover()
    assert found.get("permit").title["en"] == "Sample"
    assert found.plugin("permit").label("full_name") == {"vi": "Họ và tên", "en": "Full name"}
    assert [each.utility.code for each in found] == sorted(each.utility.code for each in found)
    assert "residence" in [each.utility.code for each in found]


def test_unknown_utility_is_not_found() -> None:
    found = Catalogue.discover()
    for code in ("", "Residence", "residence ", "no-such-thing", "__init__", "../residence"):
        for get in (found.get, found.plugin):
            with pytest.raises(UnknownUtility) as caught:
                get(code)
            assert isinstance(caught.value, NotFound)
            assert caught.value.code == "unknown_utility"


def test_reasons_are_the_plug_ins_own_or_none() -> None:
    residence = Catalogue.discover().plugin("residence")
    assert residence.reason("in_future", "vi") != residence.reason("in_future", "en")
    assert residence.reason("no_such_reason", "vi") is None
    assert plugin().reason("in_future", "en") is None


# --- Refusing -------------------------------------------------------------------------------------------------------


def test_taken_code_stops_the_start(install: Install) -> None:
    name = install("someone_elses_residence", "residence")
    assert refusal().problems == (f"{name}: the code residence is taken",)


def test_every_broken_plug_in_is_named_at_once(install: Install) -> None:
    texts = json.dumps({"vi": LABELS["vi"], "en": {"claims": {}}})
    first = install("without_a_label", "first", texts=texts)
    second = install("without_days", "second", days=0)
    error = refusal()
    assert set(error.problems) == {
        f"{first}: no label in en for the claim full_name",
        f"{second}: its validity is not a number of whole days",
    }
    assert error.mend == "wallet doctor"


@pytest.mark.parametrize(
    ("source", "texts"),
    [("x = 1\n", "{{}}"), (UTILITY, None), (UTILITY, "no json"), ("utility = None\n", "{}"), (UTILITY, "[]")],
    ids=["no-utility", "no-texts", "texts-not-json", "utility-is-none", "texts-a-list"],
)
def test_plug_in_that_cannot_be_read_is_named(install: Install, source: str, texts: str | None) -> None:
    name = install("cannot_be_read", "unread", source=source, texts=texts)
    (problem,) = refusal().problems
    assert problem.startswith(f"{name}: no utility, or no texts.json")


CLAIM = MADE_UP.claims[0]
BROKEN: dict[str, tuple[dict[str, Any], Any, str]] = {
    "two-numbers": ({"claims": (CLAIM, replace(CLAIM, name="since"))}, TEXTS, "two claims share a number"),
    "two-names": ({"claims": (CLAIM, replace(CLAIM, number=2))}, TEXTS, "two claims share a name"),
    "negative": ({"claims": (replace(CLAIM, number=-1),)}, TEXTS, "the number of the claim full_name is negative"),
    "no-claims": ({"claims": ()}, TEXTS, "it has no claims"),
    "no-title": ({"title": {}}, TEXTS, "no title in vi"),
    "no-english-title": ({"title": {"vi": "Giấy"}}, TEXTS, "no title in en"),
    "empty-title": ({"title": {"vi": "Giấy", "en": ""}}, TEXTS, "no title in en"),
    "missing-label": ({}, {**TEXTS, "en": {"claims": {"since": "Since"}}}, "no label in en for the claim full_name"),
    "empty-label": (
        {},
        {**TEXTS, "vi": {"claims": {"full_name": "", "since": "Từ ngày"}}},
        "no label in vi for the claim full_name",
    ),
    "no-language": ({}, {"vi": TEXTS["vi"]}, "no label in en for the claim since"),
    "no-labels": ({}, {"vi": {}, "en": {}}, "no label in vi for the claim full_name"),
    "hours": ({"validity": timedelta(days=1, hours=1)}, TEXTS, WHOLE_DAYS),
    "a-microsecond": ({"validity": timedelta(days=1, microseconds=1)}, TEXTS, WHOLE_DAYS),
    "no-time": ({"validity": timedelta()}, TEXTS, WHOLE_DAYS),
    "half-a-day": ({"validity": timedelta(hours=12)}, TEXTS, WHOLE_DAYS),
    "backwards": ({"validity": timedelta(days=-1)}, TEXTS, WHOLE_DAYS),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plug_in_is_named_by_what_is_wrong(name: str) -> None:
    changes, texts, fault = BROKEN[name]
    assert fault in faults(plugin(texts, **changes))


def test_sound_plug_in_has_no_faults() -> None:
    assert faults(plugin()) == []


def test_faults_come_all_together() -> None:
    found = faults(plugin({}, title={}, validity=timedelta(hours=1), claims=(CLAIM, CLAIM)))
    assert len(found) == 2 + 2 + 2 + 1


# --- The value itself -----------------------------------------------------------------------------------------------


def test_sources_are_named_once_in_the_order_of_first_use() -> None:
    claims = (
        Claim(1, "a", source=Source.RESIDENCE),
        Claim(2, "b"),
        Claim(3, "c", source=Source.POPULATION),
        Claim(4, "d", source=Source.RESIDENCE),
    )
    assert replace(MADE_UP, claims=claims).sources == (Source.RESIDENCE, Source.POPULATION)
    assert replace(MADE_UP, claims=(Claim(2, "b"),)).sources == ()


def test_a_utility_without_functions_derives_and_refuses_nothing() -> None:
    utility = Utility("x", 1, {"vi": "a", "en": "b"}, (Claim(1, "a", Kind.TEXT),), timedelta(days=1))
    assert utility.derive({"a": "b"}) == {}
    assert utility.check({"a": "b"}, None) is None  # type: ignore[arg-type,func-returns-value]


def test_catalogue_keeps_its_own_copy() -> None:
    plugins = {"made-up": plugin()}
    found = Catalogue(plugins)
    plugins.clear()
    assert isinstance(found.plugin("made-up"), Plugin)
