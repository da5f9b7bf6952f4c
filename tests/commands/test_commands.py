"""The command line: what it prints, how it ends, and the next command that every failure names."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import Result

from tests.documents.people import actor_of, admin_of
from tests.sources.partner import serving, write_file
from wallet.commands.main import wallet as command
from wallet.errors import ConfigurationError
from wallet.profile.corrections import CorrectionOrder
from wallet.requests.models import RequestRow
from wallet.settings import Settings
from wallet.sources.base import RegisterCode
from wallet.terms import StaffRole
from wallet.wiring import Wallet

Run = Callable[..., Result]


def test_doctor_finds_nothing_wrong_in_a_prepared_deployment(run: Run) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0
    states = {finding["what"]: finding["state"] for finding in json.loads(result.stdout)}
    assert "wrong" not in states.values()
    assert states["máy chủ / server"] == "warning"
    assert states["danh sách trạng thái / status lists"] == "ok"


def test_doctor_tells_of_what_lies_where_nobody_sees_it(run: Run, deployment: Settings) -> None:
    def finding() -> dict[str, str]:
        found: list[dict[str, str]] = json.loads(run("doctor", "--json").stdout)
        return next(each for each in found if each["what"].endswith("/ desks"))

    assert finding()["state"] == "ok"
    order = CorrectionOrder(RegisterCode.POPULATION, "full_name", "Tên khác", "Hộ chiếu ghi tên khác.")
    with closing(Wallet.build(deployment)) as wallet:
        with wallet.work() as work:
            work.corrections.submit(order, actor_of(wallet, "vang"))
        assert finding()["state"] == "ok", "c06 reviews for the whole country"
        with wallet.work() as work:
            work.staffing.dismiss(actor_of(wallet, "reviewer1").account_id, StaffRole.REVIEWER, admin_of(wallet))
        told = finding()
    assert (told["state"], "c06 1" in told["detail"]) == ("warning", True)
    assert told["mend"].startswith("wallet staff add --role reviewer --agency c06 --province '*'")


def test_doctor_names_each_fault_and_its_mend(run: Run, tmp_path: Path) -> None:
    result = run("doctor", WALLET_KEYS_DIR=str(tmp_path / "none"), WALLET_DATABASE_URL=f"sqlite:///{tmp_path}/no.db")
    assert result.exit_code == 1
    assert "→ wallet keys new" in result.stdout
    assert "→ wallet db upgrade" in result.stdout


def test_doctor_reports_every_setting_that_is_wrong(run: Run) -> None:
    result = run("doctor", WALLET_PORT="0", WALLET_PROT="8000")
    assert result.exit_code == 1
    assert "WALLET_PORT" in result.stdout
    assert "WALLET_PROT: no such setting" in result.stdout


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://vi.example.vn/wallet", "https://vi.example.vn"),
        ("https://vi.example.vn/wallet/", "https://vi.example.vn"),
        ("https://vi.example.vn//", "https://vi.example.vn"),
        ("https://vi.example.vn?x=1", "https://vi.example.vn"),
        ("https://vi.example.vn/#x", "https://vi.example.vn"),
        ("http://127.0.0.1:8000/a?b#c", "http://127.0.0.1:8000"),
        ("https://me:secret@vi.example.vn:8443", "https://vi.example.vn:8443"),
    ],
)
def test_public_address_with_more_than_an_origin_is_refused_with_the_one_to_set(
    run: Run, given: str, origin: str
) -> None:
    """Below a path the metadata of the issuer would not be where SD-JWT VC has it looked for."""
    for arguments in (("doctor",), ("config", "show"), ("run", "--prepare-only")):
        result = run(*arguments, WALLET_ISSUER_URL=given, WALLET_PORT="0")
        told = result.stdout + result.stderr
        assert result.exit_code != 0
        assert "không đường dẫn" in told
        assert "without a path" in told
        assert f"export WALLET_ISSUER_URL={origin}" in told.replace("\n", " ")
        assert "secret" not in told
        assert "WALLET_PORT" in told, "with every other fault at once"


@pytest.mark.parametrize("given", ["https://vi.example.vn", "https://vi.example.vn/", "http://localhost:8000"])
def test_public_address_that_is_an_origin_is_taken(given: str) -> None:
    assert Settings.from_environ({"WALLET_ISSUER_URL": given}).issuer_url == given.rstrip("/")


@pytest.mark.parametrize("given", ["vi.example.vn", "ftp://vi.example.vn", "https://", "http://[", "https://h:x"])
def test_public_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environ({"WALLET_ISSUER_URL": given})
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["WALLET_ISSUER_URL"]


def test_doctor_names_what_waits_for_a_second_officer_whom_nobody_asks_for_any_more(run: Run, wallet: Wallet) -> None:
    now = wallet.clock.now()
    with wallet.db.write() as session:
        session.add(
            RequestRow(
                **dict.fromkeys(("id", "holder_id", "account_id", "rules_version", "capacity", "agency"), "x"),
                **dict.fromkeys(("created_at", "updated_at"), now),
                **dict.fromkeys(("apologies", "fields_held", "fields_asked"), 0),
                utility="judicial_record",
                utility_version=1,
                state="proposed",
                version=1,
                province="01",
                fee=[],
                sealed=b"",
            )
        )
    told = run("doctor")
    assert told.exit_code == 1
    assert "nobody can sign: judicial_record: 1" in told.stdout
    assert "→ export WALLET_FOUR_EYES=judicial_record" in told.stdout
    assert "nobody can sign" not in run("doctor", WALLET_FOUR_EYES="judicial_record").stdout
    wrong = run("doctor", WALLET_FOUR_EYES="residence")
    assert "residence is instant, not reviewed" in wrong.stdout


def test_personas_have_all_they_need_and_their_outcomes_differ(run: Run) -> None:
    personas = json.loads(run("demo", "personas", "--json").stdout)
    assert len(personas) >= 12
    for persona in personas:
        assert persona["number"].startswith("099")
        assert persona["phone"].startswith("+849")
        assert {"password", "passcode", "device_id", "device_key", "outcome", "story"} <= persona.keys()
        assert persona["biometric_key"]["d"] != persona["device_key"]["d"]
        assert persona["story"]["vi"] != persona["story"]["en"]
    assert len({persona["outcome"]["code"] for persona in personas}) >= 8


def test_personas_are_shown_with_phone_and_passcode(run: Run) -> None:
    listed = json.loads(run("demo", "personas", "an", "--json").stdout)[0]
    shown = run("demo", "personas", "an").stdout
    assert all(listed[name] in shown for name in ("number", "phone", "password", "passcode"))
    assert listed["device_key"]["d"] not in shown


@pytest.mark.parametrize("arguments", [("demo", "personas"), ("demo", "seed"), ("demo", "journey")])
def test_production_has_no_demo(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, WALLET_MODE="production")
    assert result.exit_code == 1
    assert "→ " in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("demo", "personas", "nobody"), "wallet demo personas"),
        (("demo", "journey", "--url", "ftp://x"), "wallet demo journey --url"),
        (("demo", "journey", "--url", "http://127.0.0.1:1"), "make run"),
        (("demo", "seed", "--seed", "2"), "wallet demo seed --citizens 2000 --seed 2 --replace"),
    ],
)
def test_every_failure_names_the_next_command(run: Run, arguments: tuple[str, ...], mend: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert "→ " in result.stderr
    assert mend in result.stderr


def paths(group: click.Group = command, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command there is, by the words it is called with; `check` speaks for itself."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from paths(found, (*before, name))
        elif (*before, name) != ("check",):
            yield (*before, name)


@pytest.mark.parametrize("path", list(paths()), ids=" ".join)
def test_every_command_that_is_called_wrongly_ends_with_the_next_one(run: Run, path: tuple[str, ...]) -> None:
    result = run(*path, "--no-such-option")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"  → wallet {' '.join(path)} --help\n")


@pytest.mark.parametrize("arguments", [("no-such",), ("utilities", "no-such")])
def test_a_command_that_there_is_not_ends_with_the_list_of_those_there_are(
    run: Run, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"  → {' '.join(('wallet', *arguments[:-1]))} --help\n")


def test_the_same_nation_grows_without_being_told_to_replace(run: Run) -> None:
    first = run("demo", "seed", "--citizens", "300")
    assert (first.exit_code, "300" in first.stderr) == (0, True)
    again = run("demo", "seed", "--citizens", "300")
    assert "already there" in again.stderr
    smaller = run("demo", "seed", "--citizens", "200")
    assert smaller.exit_code == 1


def test_keys_are_listed_without_anything_private(run: Run) -> None:
    records = json.loads(run("keys", "list", "--json").stdout)
    assert {record["role"] for record in records} == {
        *("doc", "card", "live", "status", "bundle", "access", "refresh"),
        *("iaca", "sdjwt", "mdoc", "seal"),
    }
    dates = {"not_before", "not_after", "published_at", "active_from", "own_end", "revoked_at", "compromised_at"}
    what = {"role", "kid", "state", "issuer", "backend", "place", "reason", "sample", "alg"}
    assert all(record.keys() == dates | what for record in records)
    assert len(run("keys", "pin").stdout.strip()) == 64
    assert "0 " not in run("keys", "new").stdout


def test_config_masks_what_is_secret(run: Run) -> None:
    result = run("config", "show", "--json", WALLET_DATABASE_URL="postgresql+psycopg://u:hidden@db/x")
    assert result.exit_code == 0
    assert "hidden" not in result.stdout


@pytest.mark.parametrize("story", ["main", "new-citizen", "lost-phone", "judicial-record", "launch"])
def test_a_story_without_a_server_says_what_to_do(run: Run, story: str) -> None:
    result = run("demo", "journey", "--story", story, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "no server there" in result.stderr
    assert result.stderr.rstrip().endswith("→ make run")
    assert "Traceback" not in result.stderr


def test_openapi_and_utilities_are_told_without_a_server(run: Run, tmp_path: Path) -> None:
    assert run("openapi", "export", "--out", str(tmp_path / "api.json")).exit_code == 0
    assert json.loads((tmp_path / "api.json").read_text(encoding="utf-8"))["openapi"] == "3.1.0"
    told = json.loads(run("utilities", "list", "--json").stdout)
    assert "residence" in [each["code"] for each in told["utilities"]]


def test_check_is_the_verifier_itself(run: Run) -> None:
    result = run("check", "VD1:", "--bundle", "nowhere.jws", "--pin", "0" * 64)
    assert result.exit_code == 2


def test_doctor_tells_how_partners_stand_without_asking_about_anybody(run: Run, tmp_path: Path) -> None:
    def finding(path: str) -> dict[str, str]:
        found = json.loads(run("doctor", "--json", WALLET_SOURCES_HTTP_FILE=path).stdout)
        return next(each for each in found if "partners' registers" in each["what"])

    assert finding("")["state"] == "ok"
    with serving() as partner:
        path = write_file(tmp_path, residence={"url": partner.url}, vehicles={"url": "http://127.0.0.1:1/"})
        both = finding(path)
        assert both["state"] == "warning"
        assert f"residence {partner.url.removesuffix('/v1/persons')}: answers" in both["detail"]
        assert "vehicles http://127.0.0.1:1: no_connection" in both["detail"]
        assert both["detail"].endswith("learnt of once a day: residence, vehicles")
        assert "asked for changes" not in both["detail"]
        telling = {"url": partner.url, "changes_url": "http://127.0.0.1:1/changes"}
        away = finding(write_file(tmp_path, residence=telling, vehicles={"url": partner.url}))
        assert away["state"] == "warning"
        assert f"residence {partner.url.removesuffix('/v1/persons')}: no_connection" in away["detail"]
        assert "asked for changes every 20 s: residence;" in away["detail"]
        assert away["detail"].endswith("learnt of once a day: vehicles")
        telling["changes_url"] = partner.url
        both = finding(write_file(tmp_path, residence=telling, vehicles=telling))
        assert both["state"] == "ok"
        assert "once a day" not in both["detail"]
        assert partner.calls == 0
    assert "once a day" not in finding("")["detail"], "embedded registers tell of each change"
    wrong = finding(write_file(tmp_path, residence={"url": "ftp://x", "agency": ""}))
    assert wrong["state"] == "wrong"
    assert "residence.url" in wrong["detail"]
    assert "residence.agency" in wrong["detail"]


def test_persona_moves(run: Run) -> None:
    assert "Xã Bát Tràng" in run("demo", "move", "doi").output
    assert "Phường Ba Đình" in run("demo", "move", "doi", "--commune", "00004").output
    for arguments in (("nobody",), ("vang",), ("doi", "--commune", "99999")):
        assert run("demo", "move", *arguments).exit_code == 1
    assert run("demo", "move", "doi", WALLET_MODE="production").exit_code == 1
