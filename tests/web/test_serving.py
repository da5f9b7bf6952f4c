"""An application answers for one wallet, the one it serves now; it describes itself only when it is asked to."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from flask import Flask

from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.settings import Settings
from wallet.web.app import create_app, serve
from wallet.web.context import EXTENSION
from wallet.wiring import Wallet

OTHER_ISSUER = "https://other.example.vn"


def test_another_wallet_takes_the_place_of_the_first(
    wallet: Wallet, deployment: Settings, clock: FixedClock, phone_of: Callable[..., CitizenPhone]
) -> None:
    settings = replace(deployment, issuer_url=OTHER_ISSUER, max_body_bytes=64)
    with closing(Wallet.build(settings, clock=clock)) as other:
        app = create_app(wallet)
        client, phone = app.test_client(), phone_of("an")
        assert client.get("/v1/me", headers=phone.headers).status_code == 200
        assert client.get("/openapi.json").json["servers"] == [{"url": wallet.settings.issuer_url}]

        serve(app, other)
        refused = client.get("/v1/me", headers=phone.headers)
        assert (refused.status_code, refused.json["code"]) == (401, "invalid_token"), "a token of another issuer"
        assert refused.json["type"].startswith(OTHER_ISSUER)
        assert client.get("/openapi.json").json["servers"] == [{"url": OTHER_ISSUER}]
        for path in ("/v1/checks", "/v1/sessions"):  # the lean lane and Flask have one limit
            refused = client.post(path, json={"code": "VD1:" + "A" * 64})
            assert (refused.status_code, refused.json["code"]) == (413, "body_too_large")

        serve(app, wallet)
        assert client.get("/v1/me", headers=phone.headers).status_code == 200
        assert client.post("/v1/checks", json={"code": "VD1:" + "A" * 64}).status_code == 200


def test_description_is_written_when_it_is_asked_for(wallet: Wallet) -> None:
    app: Flask = create_app(wallet)
    assert app.extensions[EXTENSION] is wallet
    assert "document" not in vars(app.extensions["openapi"])
    first = app.test_client().get("/openapi.json")
    assert first.status_code == 200
    assert app.extensions["openapi"].document is app.extensions["openapi"].document
