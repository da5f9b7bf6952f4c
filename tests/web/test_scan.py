"""What the server hands out for the scanner page: the one page with a camera, its pins, its service worker."""

import gzip
import io

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.needs import need
from tests.web.refusals import assert_refused
from wallet.checks.templates import TEMPLATES, purposes_of
from wallet.utilities.claims import Paper
from wallet.web import scan
from wallet.web.front_assets import DIST, built
from wallet.wiring import Wallet

SHELL_BYTES = 650_000


@pytest.fixture
def is_built() -> None:
    need(built(), "WALLET_REQUIRE_BROWSER", "the pages are not built: make front")


def test_scanner_alone_may_use_the_camera_and_wasm(client: FlaskClient) -> None:
    page, door = client.get("/scan"), client.get("/")
    assert page.headers["Permissions-Policy"].startswith("camera=(self)")
    assert door.headers["Permissions-Policy"].startswith("camera=()")
    assert "'wasm-unsafe-eval'" in page.headers["Content-Security-Policy"]
    assert "unsafe-eval" not in door.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


def test_page_that_is_not_built_says_so_and_looks_again(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "built", lambda: None)
    page = client.get("/scan")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "3")
    assert "đang dựng trang" in page.text
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert_refused(client.get("/scan/sw.js"), 404, "not_found")
    assert_refused(client.get("/scan/worker.js"), 404, "not_found")


def test_config_tells_the_pins_and_the_gates(client: FlaskClient, wallet: Wallet) -> None:
    first = client.get("/scan/config.json")
    assert first.headers["Cache-Control"].endswith("no-store")
    told = first.get_json()
    assert told["pins"] == [wallet.trust.pin]
    assert told["profiles"][0]["code"] == "any"
    assert not told["seen_before"]
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert client.get("/scan/config.json").get_json()["seen_before"]


@pytest.mark.usefixtures("is_built")
def test_service_worker_is_never_cached_and_may_hold_the_page(client: FlaskClient) -> None:
    response = client.get("/scan/sw.js")
    assert response.mimetype == "text/javascript"
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Service-Worker-Allowed"] == "/scan"


@pytest.mark.usefixtures("is_built")
def test_shell_is_small_enough(client: FlaskClient) -> None:
    assets = built()
    assert assets is not None
    files = [(DIST / name).read_bytes() for name in assets.precache["scan"]]
    assert len(files) >= 7  # script, style, worker, wasm, letters
    size = sum(len(gzip.compress(content)) for content in files)
    assert size <= SHELL_BYTES, size


def test_icons_have_the_sizes_that_the_manifest_names(client: FlaskClient) -> None:
    manifest = client.get("/scan/manifest.webmanifest").get_json()
    assert (manifest["scope"], manifest["display"]) == ("/scan", "standalone")
    for icon in manifest["icons"]:
        response = client.get(icon["src"])
        assert response.mimetype == icon["type"]
        if icon["type"] == "image/png":
            assert "{}x{}".format(*Image.open(io.BytesIO(response.data)).size) == icon["sizes"]
    assert_refused(client.get("/scan/icon-4096.png"), 404, "not_found")


AIRLINE = ("airline_checkin", "airport_security", "boarding")


def test_gates_that_compare_a_person_need_name_and_birth_date_and_wallets_show_both(wallet: Wallet) -> None:
    gates = {each["code"]: each for each in scan.profiles()}
    for code in (*AIRLINE, "hotel"):
        assert gates[code]["needs"] == ["full_name", "birth_date"]
    for code in ("hospital", "emergency"):
        assert gates[code]["needs"] == ["full_name"]
    kinds = {kind.code: kind for plugin in wallet.catalogue for kind in plugin.utility.documents}
    for gate in gates.values():
        for utility in gate.get("utilities", ()) if "needs" in gate else ():
            kind = kinds[utility]
            paper = {claim.name for claim in kind.claims if claim.paper is not Paper.HIDDEN}
            assert any(set(gate["needs"]) <= set(view) for view in (paper, *kind.views.values())), (gate, utility)


def test_a_gate_takes_what_its_purpose_is_registered_for_and_can_compare(wallet: Wallet) -> None:
    registered = {
        purpose["code"]: purpose["claims"]
        for template in TEMPLATES.values()
        for purpose in purposes_of(template, wallet.catalogue)
    }
    gates = {each["purpose"]: each for each in scan.profiles() if "purpose" in each}
    assert gates.keys() == registered.keys(), "a purpose without a gate is refused at each"
    for purpose, gate in gates.items():
        comparable = {kind for kind, names in registered[purpose].items() if set(gate.get("needs", ())) <= set(names)}
        assert set(gate["utilities"]) == comparable, gate["code"]
        stated = set().union(*registered[purpose].values())
        assert set(gate.get("shows", ())) <= stated, gate["code"]


def test_each_gate_has_a_code_and_words_in_both_languages() -> None:
    gates = scan.profiles()
    assert len({each["code"] for each in gates}) == len(gates)
    for each in gates:
        for words in (each["title"], *([each["note"]] if each["code"] != "any" else [])):
            assert words.keys() == {"vi", "en"}
            assert words["vi"] != words["en"]
