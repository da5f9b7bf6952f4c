"""A utility in a package of its own: scaffolded, installed with pip, found by a fresh process; nothing here changes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, select

from tests.durability.server import Server, Urls
from tests.phone import CitizenPhone
from wallet.clock import SystemClock
from wallet.crypto.keystore import Keystore
from wallet.demo.personas import PERSONAS
from wallet.sources.models import Residence

ROOT = Path(__file__).parents[2]
NAME = "ferry_pass"


def run(*command: str, path: Path | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, with a folder of installed packages more."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")}
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([str(path)] if path else [])])
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=240)


def wallet(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-c", "from wallet.commands.main import main; main()", *arguments, path=path)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the scaffold writes it."""
    folder = tmp_path_factory.mktemp("source") / NAME
    made = wallet("utilities", "new", NAME, "--package", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip put it: without an index, without its dependencies, which are here."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    done = run(*pip, "--target", str(target), str(source))
    assert done.returncode == 0, done.stderr
    return target


def test_it_is_found_in_a_fresh_process_with_all_that_it_ships(installed: Path) -> None:
    told = json.loads(wallet("utilities", "list", "--json", path=installed).stdout)
    assert told["left_out"] == []
    (found,) = [each for each in told["utilities"] if each["code"] == NAME]
    assert found["module"] == NAME
    assert {path.name for path in (installed / NAME).iterdir()} >= {"__init__.py", "texts.json", "examples.json"}
    without = json.loads(wallet("utilities", "list", "--json").stdout)
    assert [each for each in told["utilities"] if each["code"] != NAME] == without["utilities"]


def test_it_keeps_the_contract_where_it_is_installed(installed: Path) -> None:
    checked = wallet("utilities", "check", NAME, path=installed)
    assert checked.returncode == 0
    assert f"✓ {NAME}" in checked.stdout


def test_its_own_contract_tests_pass_without_our_tests(source: Path, installed: Path, tmp_path: Path) -> None:
    pytest_alone = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(source / "pyproject.toml"),
    ]
    done = run(*pytest_alone, str(source / "tests"), path=installed, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_its_contract_tests_fail_when_it_breaks_the_contract(source: Path, tmp_path: Path) -> None:
    broken = tmp_path / NAME
    broken.mkdir()
    for path in (source / NAME).iterdir():
        if path.is_file():
            (broken / path.name).write_bytes(path.read_bytes())
    (broken / "hidden.py").write_text("import socket\n")
    pytest_alone = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(source / "pyproject.toml"),
    ]
    done = run(*pytest_alone, str(source / "tests"), path=tmp_path, cwd=tmp_path)
    assert done.returncode == 1
    assert "hidden.py: line 1 imports socket" in done.stdout


# --- In a running wallet --------------------------------------------------------------------------------------------

PATH = f"/v1/admin/utilities/{NAME}"
ORDER = {"utility": NAME, "answers": {"purpose": "Đi phà hằng ngày"}}


@dataclass(frozen=True)
class Answer:
    """What came over the wire, in the shape that a phone of the tests reads."""

    status_code: int
    text: str
    headers: httpx.Headers

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.text.startswith(("{", "[")) else None


class Line:
    """A connection to the real server, used as the test client of Flask is."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=30)

    def open(self, path: str, method: str = "GET", **options: Any) -> Answer:
        got = self.http.request(method, path, **options)
        return Answer(got.status_code, got.text, got.headers)

    def post(self, path: str, **options: Any) -> Answer:
        return self.open(path, "POST", **options)


@dataclass
class Deployment:
    """A server of one's own, and the phones of its people."""

    server: Server
    line: Line

    def phone(self, key: str) -> CitizenPhone:
        settings = self.server.settings
        world: Any = SimpleNamespace(settings=settings, keystore=Keystore.open(settings.keys_dir), clock=SystemClock())
        phone = CitizenPhone(world, self.line, key)  # type: ignore[arg-type]
        phone.sign_in()
        return phone

    def of_province(self) -> dict[str, list[str]]:
        """Return the personas that are adults with a phone, by the province of their permanent residence."""
        engine = create_engine(self.server.urls.nation)
        with engine.connect() as connection:
            rows = connection.execute(select(Residence.number, Residence.permanent_province_code)).all()
        engine.dispose()
        provinces = {row.number: row.permanent_province_code for row in rows}
        found: dict[str, list[str]] = {}
        for persona in PERSONAS:
            usable = persona.account_state == "active" and persona.has_device and persona.staff_role is None
            adult = str(persona.birth)[:4] < "2008"
            if usable and adult and persona.account_level == 2 and provinces.get(persona.number):
                found.setdefault(provinces[persona.number], []).append(persona.key)
        return found

    def launch(self, state: str, **more: Any) -> Answer:
        """Change the launch as one admin, and agree as the second where that is needed."""
        admin = self.phone("admin1")
        tag = admin.get(PATH).headers["ETag"]
        order = {"state": state, "reason": "Thử tiện ích của bên thứ ba", **more}
        changed: Any = admin.call("PATCH", PATH, json=order, headers={"If-Match": tag})
        if changed.status_code == 202:
            decision = f"/v1/admin/approvals/{changed.json['id']}/decision"
            changed = self.phone("admin2").post(decision, {"decision": "approve"})
        return changed  # type: ignore[no-any-return]


@pytest.fixture
def deployment(installed: Path, tmp_path: Path) -> Iterator[Deployment]:
    """A server that was prepared before the package came, and started again with it."""
    urls = Urls(*(f"sqlite:///{tmp_path}/var/{name}.db" for name in ("wallet", "nation")))
    server = Server(tmp_path, urls)
    try:
        server.start()
        line = Line(server.address)
        assert line.open(f"/v1/utilities/{NAME}").status_code == 404
        server.kill()
        server.given["PYTHONPATH"] = str(installed)
        server.start()
        yield Deployment(server, line)
        line.http.close()
    finally:
        server.kill()


def test_it_is_enabled_piloted_used_checked_and_retired(deployment: Deployment) -> None:
    """From the day it is installed to the day it is retired, over HTTP, with no change to this repository."""
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "wallet").rglob("*") if path.suffix in (".py", ".json")}
    line = deployment.line

    found = line.open(f"/v1/utilities/{NAME}")
    assert found.status_code == 200
    assert found.json["title"]["vi"].startswith("Xác nhận mẫu")
    if found.json["state"] != "off":  # the demo opens what is new
        assert deployment.launch("off").status_code == 200
    people = sorted(deployment.of_province().items(), key=lambda entry: -len(entry[1]))
    (first, (one, *_)), (second, (other, *_)), (_, (outside, *_)) = people[:3]
    assert deployment.phone(one).post("/v1/requests", ORDER).json["code"] == "utility_disabled"

    piloted = deployment.launch("pilot", audience={"provinces": [first, second]})
    assert piloted.status_code == 200, piloted.text
    assert piloted.json["audience"] == {"provinces": sorted([first, second])}
    left_out = deployment.phone(outside).post("/v1/requests", ORDER)
    assert (left_out.status_code, left_out.json["code"]) == (403, "not_in_pilot")

    codes = []
    for key in (one, other):
        citizen = deployment.phone(key)
        form = citizen.get(f"/v1/me/utilities/{NAME}/form")
        assert [field["name"] for field in form.json["data"]] == ["purpose"]
        unanswered = citizen.post("/v1/requests", {"utility": NAME, "answers": {}})
        assert unanswered.status_code == 422
        assert {each["pointer"]: each["code"] for each in unanswered.json["errors"]} == {"/answers/purpose": "required"}
        asked = citizen.post("/v1/requests", ORDER)
        assert asked.status_code == 201, asked.text
        assert asked.json["state"] == "issued"
        codes.append(citizen.code_of(asked.json["document_id"]))
        verdict = line.post("/v1/checks", json={"code": codes[-1]}).json
        assert (verdict["verdict"], verdict["accepted"]) == ("valid", True)
        assert "Đi phà hằng ngày" in json.dumps(verdict, ensure_ascii=False)

    retired = deployment.launch("retired")
    assert retired.status_code == 200, retired.text
    gone = deployment.phone(one).post("/v1/requests", ORDER)
    assert (gone.status_code, gone.json["code"]) == (409, "utility_disabled")
    for code in codes:
        assert line.post("/v1/checks", json={"code": code}).json["verdict"] == "valid"

    after = {path: path.stat().st_mtime_ns for path in (ROOT / "wallet").rglob("*") if path.suffix in (".py", ".json")}
    assert after == before
