"""Finding utilities: folders and entry points; a broken one of ours stops the start, one of others is left out."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.utilities.plugins import plugin
from wallet.errors import ConfigurationError, NotFound, UnknownUtility
from wallet.utilities import catalogue as module
from wallet.utilities.catalogue import Catalogue, LeftOut, Plugin

Install = Callable[..., str]
UTILITY = """
from datetime import date, timedelta
from wallet.utilities.base import Claim, DocumentType, Paper, Rules, Source, Utility
PAPER = DocumentType(
    code={paper!r}, title={{"vi": "Giấy mẫu", "en": "Sample"}}, validity=timedelta(days={days}),
    claims=(Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),),
)
utility = Utility(
    code={code!r}, version=1, title={{"vi": "Giấy mẫu", "en": "Sample"}}, agency="c06", documents=(PAPER,),
    rules=(Rules("2026", date(2026, 1, 1), "Luật mẫu"),),
)
"""
LABELS = {"vi": {"claims": {"full_name": "Họ và tên"}}, "en": {"claims": {"full_name": "Full name"}}}
TOLD = json.dumps(LABELS)
EXAMPLE = {"name": "whole", "number": "099090000001", "facts": {"population": {"full_name": "Nguyễn Văn An"}}}
EXAMPLES = json.dumps({"today": "2026-11-20", "accepted": [EXAMPLE]})


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install another package's utility, as pip does: a module and an entry point beside it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def put(
        name: str,
        code: str,
        *,
        paper: str = "",
        days: int = 30,
        source: str = UTILITY,
        texts: str | None = TOLD,
        examples: str | None = EXAMPLES,
    ) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text(source.format(code=code, days=days, paper=paper or code), encoding="utf-8")
        for file, held in (("texts.json", texts), ("examples.json", examples)):
            if held is not None:
                (folder / file).write_text(held, encoding="utf-8")
        told = tmp_path / f"{name}-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (told / "entry_points.txt").write_text(f"[{module.ENTRY_POINTS}]\n{name} = {name}:utility\n")
        names.append(name)
        return name

    yield put
    for name in names:
        sys.modules.pop(name, None)


def left_out() -> dict[str, tuple[str, ...]]:
    """Return what is left out, and assert that the rest is there."""
    found = Catalogue.discover()
    assert found.get("residence").code == "residence"
    return {each.module: each.faults for each in found.left_out}


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


# --- Leaving out ----------------------------------------------------------------------------------------------------


def test_taken_code_is_left_out_and_ours_stays(install: Install) -> None:
    name = install("someone_elses_residence", "residence", paper="other")
    assert left_out() == {name: ("the code residence is taken",)}
    assert Catalogue.discover().plugin("residence").module == "wallet.utilities.residence"


def test_taken_document_is_left_out(install: Install) -> None:
    name = install("someone_elses_paper", "other", paper="residence")
    assert left_out() == {name: ("the document residence is taken",)}


def test_first_by_name_of_two_packages_stays(install: Install) -> None:
    later, first = install("b_permit", "permit"), install("a_permit", "permit")
    assert left_out() == {later: ("the code permit is taken", "the document permit is taken")}
    assert Catalogue.discover().plugin("permit").module == first


def test_every_broken_one_is_named_with_all_that_is_wrong(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    texts = json.dumps({"vi": LABELS["vi"], "en": {"claims": {}}})
    first = install("without_a_label", "first", texts=texts)
    second = install("without_days", "second", days=0, paper="Second")
    third = install("without_examples", "third", examples=None)
    fourth = install("wrong_example", "fourth", examples=json.dumps({"today": "2026-11-20", "accepted": []}))
    sound = install("sound_permit", "permit")
    with caplog.at_level(logging.ERROR):
        found = left_out()
    assert set(found[first]) == {
        "no text in en for claims.full_name",
        "the text claims.full_name stands in one language alone",
    }
    assert found[second] == (
        "Second: its code 'Second' is not fit for the wire",
        "Second: its validity is not a number of whole days",
    )
    assert found[third] == ("no examples.json that is JSON (FileNotFoundError)",)
    assert found[fourth] == ("no accepted example of the document fourth",)
    assert sound not in found
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert all(any(name in record.getMessage() for record in caplog.records) for name in found)


@pytest.mark.parametrize(
    ("source", "texts", "fault"),
    [
        ("x = 1\n", "{{}}", "it cannot be loaded (JSONDecodeError"),
        ("x = 1\n", "{}", "it has no value named utility that is one"),
        (UTILITY, None, "it cannot be loaded (FileNotFoundError"),
        (UTILITY, "no json", "it cannot be loaded (JSONDecodeError"),
        ("utility = None\n", "{}", "it has no value named utility that is one"),
        (UTILITY, "[]", "its texts.json is not language to section to code to text"),
        (UTILITY, '{"vi": {"claims": []}}', "its texts.json is not language to section to code to text"),
        (UTILITY, '{"vi": {"claims": {"full_name": 7}}}', "its texts.json is not language to section to code to text"),
        ("raise ValueError('on import')\n", "{}", "it cannot be loaded (ValueError: on import)"),
        ("raise SystemExit(3)\n", "{}", "it cannot be loaded (SystemExit: 3)"),
        ("1 / 0\n", "{}", "it cannot be loaded (ZeroDivisionError"),
        ("def f(:\n", "{}", "__init__.py: it is not Python (SyntaxError)"),
        ("import flask\n", "{}", "__init__.py: line 1 imports flask"),
        ("def f():\n    import os\n", "{}", "__init__.py: line 2 imports os"),
    ],
)
def test_what_cannot_be_read_is_left_out(install: Install, source: str, texts: str | None, fault: str) -> None:
    name = install("cannot_be_read", "unread", source=source, texts=texts)
    (found,) = left_out()[name]
    assert found.startswith(fault)


def test_what_imports_too_much_never_runs(install: Install, tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    name = install("reaches_out", "reaching", source=f"from pathlib import Path\nPath({str(mark)!r}).touch()\n")
    assert left_out()[name] == ("__init__.py: line 1 imports pathlib",)
    assert not mark.exists()
    assert name not in sys.modules


def test_an_entry_point_into_the_wallet_itself_is_left_out(install: Install, tmp_path: Path) -> None:
    name = install("points_inside", "inside")
    told = tmp_path / f"{name}-1.0.dist-info" / "entry_points.txt"
    told.write_text(f"[{module.ENTRY_POINTS}]\nx = wallet.web.app:create_app\n")
    assert left_out() == {"wallet.web.app": ("it is not there (ImportError)",)}


# --- Stopping the start ---------------------------------------------------------------------------------------------


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that counts as one of our own, beside the real ones."""
    monkeypatch.setattr("wallet.utilities.__path__", [*module.wallet.utilities.__path__, str(tmp_path)])
    yield tmp_path
    for name in [each for each in sys.modules if each.startswith("wallet.utilities.broken_")]:
        del sys.modules[name]


def put(ours: Path, name: str, source: str, texts: str = TOLD) -> None:
    (ours / name).mkdir()
    (ours / name / "__init__.py").write_text(source, encoding="utf-8")
    (ours / name / "texts.json").write_text(texts, encoding="utf-8")


def test_fault_in_one_of_ours_stops_the_start(ours: Path) -> None:
    put(ours, "broken_days", UTILITY.format(code="broken-days", paper="broken-days", days=0))
    put(ours, "broken_import", "1 / 0\n")
    put(ours, "broken_twin", UTILITY.format(code="residence", paper="twin", days=1))
    with pytest.raises(ConfigurationError) as caught:
        Catalogue.discover()
    assert caught.value.problems == (
        "wallet.utilities.broken_days: broken-days: its validity is not a number of whole days",
        "wallet.utilities.broken_import: it cannot be loaded (ZeroDivisionError: division by zero)",
        "wallet.utilities.broken_twin: the code residence is taken",
    )
    assert caught.value.mend == "wallet utilities check"


# --- The value itself -----------------------------------------------------------------------------------------------


def test_catalogue_keeps_its_own_copy() -> None:
    plugins, out = {"made-up": plugin()}, [LeftOut("x", ("y",))]
    found = Catalogue(plugins, out)
    plugins.clear()
    out.clear()
    assert isinstance(found.plugin("made-up"), Plugin)
    assert found.left_out == (LeftOut("x", ("y",)),)
