"""`wallet utilities`: the whole catalogue as data, the contract as sentences, and new ones that keep it at once."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from tests.defining.test_defining import CODE, decide, propose
from wallet.commands.main import wallet as command
from wallet.commands.scaffold import folder_files, package_files
from wallet.defining.models import UtilityDefinition
from wallet.utilities import catalogue
from wallet.utilities.base import NO_REGISTER
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.conformance import faults_of_package
from wallet.utilities.lifecycles import Move
from wallet.wiring import Wallet

Run = Callable[..., Result]
BROKEN = "import os\n"


@pytest.fixture
def utilities() -> Run:
    """Call `wallet utilities`: it needs no deployment."""
    return lambda *arguments: CliRunner().invoke(command, ["utilities", *arguments])


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, dict[str, str]], Path]]:
    """Put a package where Python finds it, with its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def put(name: str, files: dict[str, str]) -> Path:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        told = tmp_path / f"{name}-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (told / "entry_points.txt").write_text(f"[{catalogue.ENTRY_POINTS}]\n{name} = {name}:utility\n")
        names.append(name)
        return tmp_path

    yield put
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that counts as the one of our utilities, beside the real one."""
    monkeypatch.setattr("wallet.utilities.__path__", [*catalogue.wallet.utilities.__path__, str(tmp_path)])
    yield tmp_path
    for name in [each for each in sys.modules if each.startswith("wallet.utilities.brand_new")]:
        del sys.modules[name]


# --- list -----------------------------------------------------------------------------------------------------------


def test_list_tells_everything_that_is_declared(utilities: Run) -> None:
    result = utilities("list", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["left_out"] == []
    found = Catalogue.discover()
    assert [each["code"] for each in told["utilities"]] == [plugin.utility.code for plugin in found]
    for each, plugin in zip(told["utilities"], found, strict=True):
        utility = plugin.utility
        assert each["version"] == utility.version
        assert each["title"].keys() == each["agency"]["name"].keys() == {"vi", "en"}
        assert each["module"] == plugin.module
        assert each["minimum_account_level"] == utility.minimum_level
        assert each["minimum_auth_level"] == utility.minimum_auth
        assert set(each["who"]) == set(utility.who)
        assert [rules["effective_from"] for rules in each["rules"]] == [str(r.effective_from) for r in utility.rules]
        assert each["lifecycle"]["states"] == list(utility.lifecycle.states)
        assert len(each["lifecycle"]["moves"]) == len(utility.lifecycle.moves)
        assert set(each["registers"]) >= {c.source for k in utility.documents for c in k.claims} - NO_REGISTER
        assert [kind["code"] for kind in each["documents"]] == [kind.code for kind in utility.documents]
        assert [step["code"] for step in each["steps"]] == [step.code for step in utility.steps]
        assert [field["name"] for field in each["form"]] == [field.name for field in utility.form]
        for told_kind, kind in zip(each["documents"], utility.documents, strict=True):
            assert [claim["name"] for claim in told_kind["claims"]] == list(kind.names)
            assert all(claim["label"]["vi"] != claim["label"]["en"] for claim in told_kind["claims"])


def test_list_tells_what_admins_defined_and_in_which_state_it_is(run: Run, wallet: Wallet) -> None:
    def listed() -> list[str]:
        return [each["code"] for each in json.loads(run("utilities", "list", "--json").stdout)["utilities"]]

    made = propose(wallet)
    assert CODE not in listed(), "nobody agreed to it yet"
    decide(wallet, made)
    assert CODE in listed()
    told = json.loads(run("utilities", "list", "--json").stdout)
    (found,) = [each for each in told["utilities"] if each["code"] == CODE]
    assert (found["version"], found["module"], found["state"]) == (1, "", "off")
    assert f"{CODE:20} v1  off" in run("utilities", "list").stdout
    with wallet.work() as work:
        work.session.execute(update(UtilityDefinition).values(definition={"code": CODE}))
    told = json.loads(run("utilities", "list", "--json").stdout)
    assert CODE not in [each["code"] for each in told["utilities"]]
    assert [each["module"] for each in told["left_out"]] == [f"definition {CODE} 1"]
    assert "wallet utilities check" not in run("utilities", "list").stderr, "there is no package to check"


def test_list_tells_of_an_agreement_of_steps_and_of_moves_all_that_is_declared(utilities: Run) -> None:
    told = {each["code"]: each for each in json.loads(utilities("list", "--json").stdout)["utilities"]}
    for plugin in Catalogue.discover():
        utility, each = plugin.utility, told[plugin.utility.code]
        assert (each["agreement"] is None) == (utility.agreement is None)
        if utility.agreement is not None:
            assert each["agreement"]["shows"] == list(utility.agreement.shows)
        assert [step["patterns"] for step in each["steps"]] == [dict(step.patterns) for step in utility.steps]
        assert [step["over"] for step in each["steps"]] == [list(step.over) for step in utility.steps]
        for shown, move in zip(each["lifecycle"]["moves"], utility.lifecycle.moves, strict=True):
            marks = {mark.name for mark in fields(Move) if getattr(move, mark.name) is True}
            assert {name for name, value in shown.items() if value is True} == marks, "whatever a move has"
    assert any(each["agreement"] for each in told.values())
    assert any(step["patterns"] for each in told.values() for step in each["steps"])


def test_list_names_what_is_left_out_and_why(utilities: Run, installed: Callable[..., Path]) -> None:
    installed("reaches_out", {"reaches_out/__init__.py": BROKEN})
    told = json.loads(utilities("list", "--json").stdout)
    assert told["left_out"] == [{"module": "reaches_out", "faults": ["__init__.py: line 1 imports os"]}]
    assert "residence" in [each["code"] for each in told["utilities"]]
    shown = utilities("list")
    assert shown.exit_code == 0
    assert "✗ reaches_out" in shown.stdout
    assert "line 1 imports os" in shown.stdout
    assert "→ wallet utilities check reaches_out" in shown.stderr


def test_doctor_tells_what_is_left_out(installed: Callable[..., Path], tmp_path: Path) -> None:
    installed("reaches_out", {"reaches_out/__init__.py": BROKEN})
    environ = {
        "WALLET_KEYS_DIR": str(tmp_path),
        "WALLET_DATABASE_URL": f"sqlite:///{tmp_path}/no.db",
        "WALLET_PORT": "1",
    }
    told = json.loads(CliRunner().invoke(command, ["doctor", "--json"], env=environ).stdout)
    (finding,) = [each for each in told if each["what"].endswith("/ utilities")]
    assert finding["state"] == "warning"
    assert "reaches_out: __init__.py: line 1 imports os" in finding["detail"]
    assert finding["mend"] == "wallet utilities check"


# --- check ----------------------------------------------------------------------------------------------------------


def test_check_finds_nothing_wrong_with_ours(utilities: Run) -> None:
    result = utilities("check")
    assert result.exit_code == 0
    assert "✓ wallet.utilities.residence" in result.stdout
    assert "✗" not in result.stdout


def test_check_says_what_is_wrong(utilities: Run, installed: Callable[..., Path]) -> None:
    files = {f"someones_card/{path}": text for path, text in folder_files("someones_card").items()}
    files["someones_card/examples.json"] = files["someones_card/examples.json"].replace('"3456"', '"3457"')
    installed("someones_card", files)
    installed("reaches_out", {"reaches_out/__init__.py": BROKEN})
    for arguments in ((), ("someones_card", "reaches_out")):
        result = utilities("check", *arguments)
        assert result.exit_code == 1
        assert "✗ someones_card\n    example 'an adult': the claim number_last4 is '3456'" in result.stdout
        assert "✗ reaches_out\n    __init__.py: line 1 imports os" in result.stdout
    assert utilities("check", "residence").exit_code == 0
    assert "os" not in utilities("check", "residence").stdout.split()


def test_check_of_what_is_not_there_fails(utilities: Run) -> None:
    result = utilities("check", "no_such_thing")
    assert result.exit_code == 1
    assert "✗ no_such_thing\n    it is not there" in result.stdout


# --- new ------------------------------------------------------------------------------------------------------------


def test_new_folder_keeps_the_contract_at_once(utilities: Run, beside_ours: Path) -> None:
    result = utilities("new", "brand_new")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.rstrip().splitlines()[-1] == "  → wallet utilities check brand_new"
    assert {path.name for path in (beside_ours / "brand_new").iterdir()} == {
        "__init__.py",
        "texts.json",
        "examples.json",
    }
    assert faults_of_package("wallet.utilities.brand_new") == []
    assert Catalogue.discover().get("brand_new").documents[0].code == "brand_new"
    checked = utilities("check", "brand_new")
    assert checked.exit_code == 0
    assert "✓ wallet.utilities.brand_new" in checked.stdout


def test_new_package_keeps_the_contract_at_once(
    utilities: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "deep" / "someones_card"
    result = utilities("new", "someones_card", "--package", str(root))
    assert result.exit_code == 0, result.stderr
    assert "wallet utilities check someones_card" in result.stderr.rstrip().splitlines()[-1]
    written = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert written == set(package_files("someones_card"))
    assert len((root / "tests" / "test_contract.py").read_text().splitlines()) == 5
    monkeypatch.syspath_prepend(str(root))
    try:
        assert faults_of_package("someones_card") == []
    finally:
        sys.modules.pop("someones_card", None)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Permit",
        "1permit",
        "per mit",
        "per-mit",
        "_permit",
        "permit_",
        "per__mit",
        "phiếu",
        "class",
        "../permit",
        "a" * 41,
    ],
)
@pytest.mark.parametrize("package", [False, True])
def test_malformed_name_is_refused(utilities: Run, beside_ours: Path, name: str, package: bool) -> None:
    result = utilities("new", name, *(["--package", str(beside_ours / "p")] if package else []))
    assert result.exit_code == 1
    assert "not a name" in result.stderr
    assert "→ wallet utilities new --help" in result.stderr
    assert list(beside_ours.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("residence", False),
        ("residence", True),
        ("base", False),
        ("conformance", False),
        ("flask", True),
        ("json", True),
    ],
)
def test_taken_name_is_refused(utilities: Run, beside_ours: Path, name: str, package: bool) -> None:
    result = utilities("new", name, *(["--package", str(beside_ours / "p")] if package else []))
    assert result.exit_code == 1
    assert "taken" in result.stderr or "has this name" in result.stderr
    assert "→ wallet utilities list" in result.stderr
    assert list(beside_ours.iterdir()) == []


def test_a_code_of_a_document_is_taken_too(utilities: Run, beside_ours: Path) -> None:
    codes = {kind.code for plugin in Catalogue.discover() for kind in plugin.utility.documents}
    for code in sorted(code for code in codes if code.isidentifier()):
        assert utilities("new", code).exit_code == 1
    assert list(beside_ours.iterdir()) == []


def test_nothing_is_overwritten(utilities: Run, tmp_path: Path) -> None:
    kept = tmp_path / "README.md"
    kept.write_text("mine")
    for place in (tmp_path, kept):
        result = utilities("new", "someones_card", "--package", str(place))
        assert result.exit_code == 1
        assert "is there already" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert kept.read_text() == "mine"


def test_what_cannot_be_written_is_said(utilities: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = utilities("new", "someones_card", "--package", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
