"""A passkey made and used by a real browser, with the virtual authenticator that Chromium has for this."""

from typing import Any

from flask.testing import FlaskClient
from playwright.sync_api import CDPSession

from tests.browser.conftest import Site
from tests.phone import CitizenPhone
from wallet.web.app import create_app

MAKE = """async (options) => {
  const credential = await navigator.credentials.create(
    {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)});
  return credential.toJSON();
}"""
ASSERT = """async (options) => {
  const credential = await navigator.credentials.get(
    {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)});
  return credential.toJSON();
}"""
CLIENT_KEY = """async () => {
  const pair = await crypto.subtle.generateKey({name: "ECDSA", namedCurve: "P-256"}, false, ["sign"]);
  const {kty, crv, x, y} = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return {kty, crv, x, y};
}"""


def authenticator(site: Site, *, verified: bool) -> tuple[CDPSession, str]:
    """Put an authenticator into the browser that keeps passkeys and knows its user, or does not."""
    session = site.page.context.new_cdp_session(site.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, str(made["authenticatorId"])


def signed_in_phone(site: Site) -> CitizenPhone:
    client: FlaskClient = create_app(site.wallet).test_client()
    phone = CitizenPhone(site.wallet, client, "an")
    phone.sign_in()
    return phone


def sign_in(site: Site, phone: CitizenPhone) -> Any:
    options = phone.client.post("/v1/passkey-challenges").json["public_key"]
    order = {"assertion": site.page.evaluate(ASSERT, options), "client_key": site.page.evaluate(CLIENT_KEY)}
    return phone.client.post("/v1/sessions/passkey", json=order)


def test_browser_makes_a_passkey_and_signs_in_with_it(site: Site) -> None:
    authenticator(site, verified=True)
    site.open("/")
    phone = signed_in_phone(site)
    options = phone.post("/v1/me/passkeys/options", key=None).json["public_key"]
    credential = site.page.evaluate(MAKE, options)
    added = phone.post("/v1/me/passkeys", {"credential": credential, "name": "Máy tính ở nhà"})
    assert added.status_code == 201, added.text
    response = sign_in(site, phone)
    assert response.status_code == 201, response.text
    assert (response.json["account_level"], response.json["auth_level"]) == (2, 2)
    me = phone.client.get("/v1/me", headers={"Authorization": f"Bearer {response.json['access_token']}"})
    assert me.status_code == 200, me.text
    removed = phone.call("DELETE", f"/v1/me/passkeys/{added.json['id']}")
    assert removed.status_code == 204
    refused = sign_in(site, phone)
    assert (refused.status_code, refused.json["code"]) == (401, "invalid_credentials")
    assert site.complaints == []


def test_browser_that_cannot_tell_its_user_makes_none(site: Site) -> None:
    authenticator(site, verified=False)
    site.open("/")
    phone = signed_in_phone(site)
    options = phone.post("/v1/me/passkeys/options", key=None).json["public_key"]
    made = site.page.evaluate(
        """async (options) => {
          try { await navigator.credentials.create(
            {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)}); return "made"; }
          catch (error) { return error.name; }
        }""",
        options,
    )
    assert made == "NotAllowedError"
    assert phone.get("/v1/me/passkeys").json == {"data": []}
