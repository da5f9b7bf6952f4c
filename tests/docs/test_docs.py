"""What the documentation names exists: files, commands, options, settings, endpoints, make targets; its code runs."""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import httpx
import pytest
from flask import Flask

from docs.examples import first_hour
from tests.support import FixedClock
from wallet.commands.demo import STORIES
from wallet.commands.main import SUBJECTS, wallet
from wallet.crypto.keystore import Secret
from wallet.demo.personas import credentials, persona
from wallet.settings import PREFIX, Settings, SettingsSchema
from wallet.verifier.__main__ import _parser
from wallet.web.app import create_app
from wallet.wiring import Wallet

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "keys" / "README.md"])
OUR_OWN = {"WALLET_TEST_POSTGRES", "WALLET_REQUIRE_POSTGRES", "WALLET_REQUIRE_ORACLE", "WALLET_REQUIRE_BROWSER"}
ROOMS = "wallet|tests|docs|bench|keys|requirements|.ci"


def _of(pattern: str, *, flags: int = 0) -> Iterator[tuple[str, re.Match[str]]]:
    for page in PAGES:
        for found in re.finditer(pattern, page.read_text(encoding="utf-8"), flags):
            yield str(page.relative_to(ROOT)), found


def _code() -> Iterator[tuple[str, str]]:
    """Yield each code span, and each line of each shell block, with its page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        name = str(page.relative_to(ROOT))
        for block in re.finditer(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            for line in block[1].replace("\\\n", " ").splitlines():
                yield name, line.split("  #")[0].strip()
        text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        for span in re.finditer(r"`([^`]+)`", text):
            yield name, " ".join(span[1].split())


@pytest.fixture(scope="module")
def app(keys_dir: Path) -> Flask:
    """The application of a deployment that has keys and no database yet."""
    return create_app(Wallet.build(Settings.from_environ({"WALLET_KEYS_DIR": str(keys_dir)})))


def test_relative_links_resolve() -> None:
    broken = []
    for page, link in _of(r"\]\(([^)\s#]+)(#[^)]*)?\)|src=\"([^\"]+)\""):
        target = link[1] or link[3]
        if not re.match(r"[a-z]+:", target) and not (ROOT / page).parent.joinpath(target).exists():
            broken.append((page, target))
    assert broken == []


def test_paths_that_are_named_exist() -> None:
    missing = []
    for page, found in _of(rf"`((?:{ROOMS})/[\w./-]*|wsgi\.py|setup\.cfg)`"):
        if "<" not in found[1] and not (ROOT / found[1]).exists():
            missing.append((page, found[1]))
    assert missing == []


def test_modules_that_are_named_exist() -> None:
    known = {".".join(path.with_suffix("").relative_to(ROOT).parts) for path in (ROOT / "wallet").rglob("*.py")}
    known |= {name.removesuffix(".__init__") for name in known} | {"wallet.work"}
    named = {found[1] for _, found in _of(r"(?<![\w./])(wallet(?:\.[a-z_]+)+)(?!\w|\()")}
    groups = {"wallet.utilities", "wallet.db", "wallet.secret"}
    assert {name for name in named if name not in known | groups} == set()


def test_commands_and_their_options_exist() -> None:
    wrong = []
    for page, text in _code():
        for command in re.findall(r"(?:^|[\s/])(?:wallet|wallet\.verifier) ((?:[a-z]+)(?:[^|>&;]*))", text):
            problem = _command_problem(command)
            if problem:
                wrong.append((page, text, problem))
    assert wrong == []


def _command_problem(text: str) -> str | None:
    words = shlex.split(re.sub(r"[\[\]]", " ", text), posix=True)
    if words[0] in _verifier_commands():
        known = {option for action in _verifier_commands()[words[0]]._actions for option in action.option_strings}
        return next((word for word in words if word.startswith("--") and word not in known), None)
    if words[0] not in SUBJECTS:
        return f"no command {words[0]}"
    found = wallet.get_command(click.Context(wallet), words[0])
    rest = words[1:]
    if isinstance(found, click.Group):
        if not rest:
            return None
        subject = found
        found, rest = subject.get_command(click.Context(subject), rest[0]), rest[1:]
    if found is None:
        return "no such subject"
    options = {option for parameter in found.params for option in parameter.opts}
    return next((word for word in rest if word.startswith("--") and word not in options), None)


def test_every_command_stands_in_the_table_of_commands() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.split("\n## 3. Commands\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`wallet .+?) \| ", table, re.MULTILINE)
    named = {span for row in rows for span in re.findall("`(.+?)`", row)}
    assert named == set(_every_command())
    (stories,) = re.findall(r"\(`--story (.+?)\)", table)
    assert tuple(stories.replace("`", "").split(", ")) == STORIES


def _every_command() -> Iterator[str]:
    context = click.Context(wallet)
    for subject in wallet.list_commands(context):
        found = wallet.get_command(context, subject)
        inner = found.list_commands(context) if isinstance(found, click.Group) else []
        yield from [f"wallet {subject} {name}" for name in inner] or [f"wallet {subject}"]


def test_what_health_tells_is_named_by_its_place(app: Flask) -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `/health/ready` \| (.+) \|$", page, re.MULTILINE)
    answer = app.extensions["openapi"].document["paths"]["/health/ready"]["get"]["responses"]["200"]
    told = answer["content"]["application/json"]["schema"]["properties"]
    places = {*told, *(f"{name}.{inner}" for name, each in told.items() for inner in each.get("properties", ()))}
    named = set(re.findall(r"`([\w.]+)`:", row))
    assert {"status_lists", "documents_unsigned"} <= named <= places


def _verifier_commands() -> dict[str, argparse.ArgumentParser]:
    (commands,) = [action for action in _parser()._actions if isinstance(action.choices, dict)]
    return dict(commands.choices)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {found[1] for _, text in _code() if (found := re.match(r"make ([a-z-]+)", text))}
    assert {"run", "test", "bench", "picture"} <= named
    assert named <= targets


def test_readme_has_exactly_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Two commands\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^```sh\n(.*?)\n```", section, re.DOTALL | re.MULTILINE) == ["make run", "make test"]


def test_endpoints_exist(app: Flask) -> None:
    rules = [(re.sub(r"<[^>]+>", "{}", rule.rule), rule.methods or set()) for rule in app.url_map.iter_rules()]
    wrong = []
    for page, text in _code():
        for method, path in re.findall(
            r"(?:(GET|POST|PATCH|DELETE) )?(?:http://127\.0\.0\.1:8000)?(?<![\w.])(/(?:v1|health|problems|\.well-known)[\w/{}.-]*)",
            text,
        ):
            if not _is_served(method, path, rules):
                wrong.append((page, method, path))
    assert wrong == []


def _is_served(method: str, path: str, rules: list[tuple[str, set[str]]]) -> bool:
    asked = re.sub(r"\{[^}]*\}|(?<=/)(?:1|\d{2,})(?=/|$)", "{}", path.rstrip("/."))
    if asked in {"/v1", "/v1/admin"}:
        return True
    return any(asked == rule and (not method or method in methods) for rule, methods in rules)


def test_endpoints_of_the_api_are_in_openapi(app: Flask) -> None:
    served = {re.sub(r"\{[^}]*\}", "{}", path) for path in app.extensions["openapi"].document["paths"]}
    named = {re.sub(r"\{[^}]*\}", "{}", found[1]) for _, found in _of(r"`(?:[A-Z]+ )?(/v1/[\w/{}.-]+)`")} - {
        "/v1/admin"
    }
    assert named <= served


def test_settings_exist() -> None:
    known = {PREFIX + name.upper() for name in SettingsSchema().fields} | OUR_OWN
    assert {found[0] for _, found in _of(r"WALLET_[A-Z0-9]+(?:_[A-Z0-9]+)*\b(?!_)")} <= known


def test_table_of_settings_is_the_schema() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.split("<!-- settings: begin", 1)[1].split("<!-- settings: end", 1)[0]
    rows = re.findall(r"^\| `(WALLET_\w+)` \| (.*?) \| .+ \|$", table, re.MULTILINE)
    fields = SettingsSchema().fields
    wanted = [
        (PREFIX + name.upper(), f"`{f.load_default}`" if f.load_default != "" else "empty")
        for name, f in fields.items()
    ]
    assert rows == wanted


def test_decisions_are_all_listed() -> None:
    listed = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}


def test_nothing_points_outside_the_repository() -> None:
    forbidden = r"(?<![\w.])/(?:home|root|tmp|Users|work)/"
    assert [(page, found[0]) for page, found in _of(forbidden, flags=re.IGNORECASE)] == []


def test_sources_named_in_the_code_exist() -> None:
    """A comment that names a page and a section names one that is there."""
    missing = []
    for path in (ROOT / "wallet").rglob("*.py"):
        for page, section in re.findall(
            r"docs/([\w-]+\.md)[,;]?\s*(?:section )?(\d+(?:\.\d+)?)?", path.read_text("utf-8")
        ):
            text = (ROOT / "docs" / page).read_text(encoding="utf-8") if (ROOT / "docs" / page).exists() else ""
            if not text or (section and not re.search(rf"^#+ {re.escape(section)}\.? ", text, re.MULTILINE)):
                missing.append((path.name, page, section))
    assert missing == []


def test_python_of_the_api_page_is_cut_from_the_example() -> None:
    example = (ROOT / "docs/examples/first_hour.py").read_text(encoding="utf-8")
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    assert [block for block in blocks if block not in example] == []


def test_python_of_the_verifying_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/verifying.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    pictures = ROOT / "docs" / "pictures"
    names = {"code": "code.txt", "bundle_text": "bundle.jws", "pin": "bundle.pin"}
    given = {name: (pictures / file).read_text(encoding="utf-8").removesuffix("\n") for name, file in names.items()}
    exec(compile(block, "docs/verifying.md", "exec"), {**given, "now": datetime(2026, 3, 2, 6, tzinfo=UTC)})
    assert "Nguyễn Mẫu An" in capsys.readouterr().out


def test_first_hour_is_as_the_page_tells_it(wallet: Wallet, clock: FixedClock) -> None:
    who = persona("an")
    own = credentials(who, wallet.keystore.secret(Secret.DEMO))
    me = {
        "number": who.number,
        "password": own.password,
        "passcode": own.passcode,
        "device_id": own.device_id,
        "device_key": json.loads(json.dumps(own.device_jwk)),
    }
    said: list[str] = []
    transport = httpx.WSGITransport(create_app(wallet).wsgi_app)
    with httpx.Client(transport=transport, base_url=wallet.settings.issuer_url) as http:
        phone = first_hour.Phone(me, http, now=lambda: clock.now().timestamp())
        code = first_hour.first_hour(phone, said.append)
    assert code.startswith("VD1:")
    told = "\n".join(said)
    for line in (
        "auth level 2",
        "the gate says: valid ['ok']",
        "with the device alone: step_up_required",
        "signed out",
    ):
        assert line in told
