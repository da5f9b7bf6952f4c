"""Session tokens: of everything that looks like one, only the one that is all it should be (S-15 to S-17, S-19)."""

import base64
import hmac
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey

from tests.identity.phones import encode, new_key, public_jwk, signed
from tests.support import AUTHORITY, NOON
from wallet.crypto.keyring import read_keyring, write_keyring
from wallet.crypto.keystore import REQUIRED, Keystore, Role
from wallet.crypto.making import create_missing
from wallet.entropy import SystemEntropy
from wallet.errors import NotAuthenticated, WalletError
from wallet.identity.tokens import TokenCodec, TokenKind

ISSUER = "https://vi.example.vn"
LEEWAY = timedelta(seconds=5)
NOW = int(NOON.timestamp())
ACCESS = {
    "sub": "acc_1",
    "jti": "a" * 32,
    "sid": "ses_1",
    "dev": "dev_1",
    "iat": NOW,
    "exp": NOW + 600,
    "auth_time": NOW,
    "account_level": 2,
    "auth_level": 2,
    "roles": ["admin"],
}
REFRESH = {"sub": "acc_1", "jti": "ses_1.1", "sid": "ses_1", "dev": "dev_1", "iat": NOW, "exp": NOW + 86400}
EVIL = new_key()
MISSING = object()


@pytest.fixture
def codec(keystore: Keystore) -> TokenCodec:
    return TokenCodec(keystore, ISSUER)


class Forge:
    """Holds the right key, and signs whatever it is told to."""

    def __init__(self, keystore: Keystore, role: Role = Role.ACCESS) -> None:
        self.signer = keystore.signer(role)
        self.header = {"alg": "ES256", "typ": "at+jwt", "kid": self.signer.kid}
        self.payload = {**ACCESS, "iss": ISSUER, "aud": f"{ISSUER}/v1", "type": "access"}

    def raw(self, header: Any, payload: Any) -> str:
        text = f"{encode(header)}.{encode(payload)}"
        return f"{text}.{encode(self.signer.sign(text.encode()))}"

    def header_with(self, **changes: Any) -> str:
        return self.raw(_changed(self.header, changes), self.payload)

    def claims_with(self, **changes: Any) -> str:
        return self.raw(self.header, _changed(self.payload, changes))


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (base | changes).items() if value is not MISSING}


def _hs256_with_public_key(forge: Forge) -> str:
    key = ECKey.import_key(public_jwk(EVIL)).as_pem(private=False)
    text = f"{encode(forge.header | {'alg': 'HS256'})}.{encode(forge.payload)}"
    return f"{text}.{encode(hmac.new(key, text.encode(), sha256).digest())}"


def _hs256_with_certificate(forge: Forge) -> str:
    text = f"{encode(forge.header | {'alg': 'HS256'})}.{encode(forge.payload)}"
    return f"{text}.{encode(hmac.new(forge.signer.certificate_der, text.encode(), sha256).digest())}"


def _other_curve(forge: Forge) -> str:
    key = ECKey.generate_key("P-384")
    return joserfc_jws.serialize_compact(forge.header | {"alg": "ES384"}, json.dumps(forge.payload), key, ["ES384"])


def _resigned(forge: Forge, signature: Callable[[bytes], bytes | str]) -> str:
    text = f"{encode(forge.header)}.{encode(forge.payload)}"
    return f"{text}.{encode(signature(forge.signer.sign(text.encode())))}"


def _padded(forge: Forge) -> str:
    return ".".join(part + "=" * (-len(part) % 4) for part in forge.claims_with().split("."))


def _standard_alphabet(forge: Forge) -> str:
    header, payload, signature = forge.claims_with().split(".")
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b"acc_1", "acc_ÿÿÿ".encode("latin-1"))
    return f"{header}.{base64.b64encode(raw).decode()}.{signature}"


HOSTILE: dict[str, Callable[[Forge], str]] = {
    # S-15: algorithms
    "alg none": lambda f: f"{encode(f.header | {'alg': 'none'})}.{encode(f.payload)}.",
    "alg None": lambda f: f"{encode(f.header | {'alg': 'None'})}.{encode(f.payload)}.",
    "alg NONE": lambda f: f"{encode(f.header | {'alg': 'NONE'})}.{encode(f.payload)}.",
    "alg nOnE, signed": lambda f: f.header_with(alg="nOnE"),
    "alg missing": lambda f: f.header_with(alg=MISSING),
    "alg null": lambda f: f.header_with(alg=None),
    "alg empty": lambda f: f.header_with(alg=""),
    "alg list": lambda f: f.header_with(alg=["ES256"]),
    "alg es256": lambda f: f.header_with(alg="es256"),
    "alg ES256K": lambda f: f.header_with(alg="ES256K"),
    "alg ES384": lambda f: f.header_with(alg="ES384"),
    "alg RS256": lambda f: f.header_with(alg="RS256"),
    "alg PS256": lambda f: f.header_with(alg="PS256"),
    "alg EdDSA": lambda f: f.header_with(alg="EdDSA"),
    "alg HS256 label": lambda f: f.header_with(alg="HS256"),
    "HS256 keyed with a public key": _hs256_with_public_key,
    "HS256 keyed with the certificate": _hs256_with_certificate,
    "ES384 on its own curve": _other_curve,
    # Signatures
    "another key under our kid": lambda f: signed(f.header, f.payload, EVIL),
    "no signature": lambda f: _resigned(f, lambda _: b""),
    "zero signature": lambda f: _resigned(f, lambda _: bytes(64)),
    "short signature": lambda f: _resigned(f, lambda s: s[:63]),
    "long signature": lambda f: _resigned(f, lambda s: s + b"\0"),
    "swapped halves": lambda f: _resigned(f, lambda s: s[32:] + s[:32]),
    "flipped bit": lambda f: _resigned(f, lambda s: bytes([s[0] ^ 1]) + s[1:]),
    "all ones": lambda f: _resigned(f, lambda _: b"\xff" * 64),
    # S-16: what every token has
    **{f"{name} missing": (lambda f, n=name: f.claims_with(**{n: MISSING})) for name in ("iss", "aud", "sub", "exp")},  # type: ignore[misc]
    **{f"{name} missing": (lambda f, n=name: f.claims_with(**{n: MISSING})) for name in ("iat", "jti", "type", "sid")},  # type: ignore[misc]
    **{f"{name} null": (lambda f, n=name: f.claims_with(**{n: None})) for name in ("iss", "aud", "sub", "exp", "iat")},  # type: ignore[misc]
    "typ missing": lambda f: f.header_with(typ=MISSING),
    "typ JWT": lambda f: f.header_with(typ="JWT"),
    "typ of the refresh token": lambda f: f.header_with(typ="viso-refresh+jwt"),
    "typ application/at+jwt": lambda f: f.header_with(typ="application/at+jwt"),
    "typ AT+JWT": lambda f: f.header_with(typ="AT+JWT"),
    "typ of a status list": lambda f: f.header_with(typ="statuslist+jwt"),
    "typ logout": lambda f: f.header_with(typ="logout+jwt"),
    "iss foreign": lambda f: f.claims_with(iss="https://evil.example"),
    "iss with slash": lambda f: f.claims_with(iss=f"{ISSUER}/"),
    "aud foreign": lambda f: f.claims_with(aud="client-1"),
    "aud list": lambda f: f.claims_with(aud=[f"{ISSUER}/v1"]),
    "aud list with ours": lambda f: f.claims_with(aud=["client-1", f"{ISSUER}/v1"]),
    "aud of refresh": lambda f: f.claims_with(aud=f"{ISSUER}/v1/sessions/refresh"),
    "type refresh": lambda f: f.claims_with(type="refresh"),
    "sub empty": lambda f: f.claims_with(sub=""),
    "sub number": lambda f: f.claims_with(sub=7),
    "sub with control character": lambda f: f.claims_with(sub="acc_\u0001"),
    "jti number": lambda f: f.claims_with(jti=1),
    "jti endless": lambda f: f.claims_with(jti="a" * 200),
    "exp text": lambda f: f.claims_with(exp=str(NOW + 600)),
    "exp fraction": lambda f: f.claims_with(exp=NOW + 600.5),
    "exp true": lambda f: f.claims_with(exp=True),
    "exp list": lambda f: f.claims_with(exp=[NOW + 600]),
    "exp zero": lambda f: f.claims_with(exp=0),
    "exp negative": lambda f: f.claims_with(exp=-1),
    "exp NaN": lambda f: f.raw(f.header, json.dumps(f.payload | {"exp": float("nan")})),
    "exp Infinity": lambda f: f.raw(f.header, json.dumps(f.payload | {"exp": float("inf")})),
    "exp 1e400": lambda f: f.raw(f.header, json.dumps(f.payload).replace(f'"exp": {NOW + 600}', '"exp": 1e400')),
    "exp huge": lambda f: f.claims_with(exp=10**30),
    "exp beyond the longest life": lambda f: f.claims_with(exp=NOW + 901),
    "exp before iat": lambda f: f.claims_with(exp=NOW - 1),
    "iat text": lambda f: f.claims_with(iat=str(NOW)),
    "iat in the future": lambda f: f.claims_with(iat=NOW + 6, exp=NOW + 60),
    "iat far back to stretch exp": lambda f: f.claims_with(iat=1, exp=NOW + 600),
    "expired": lambda f: f.claims_with(iat=NOW - 700, exp=NOW - 100),
    # What an access token has beside
    "account level missing": lambda f: f.claims_with(account_level=MISSING),
    "account level 3": lambda f: f.claims_with(account_level=3),
    "account level true": lambda f: f.claims_with(account_level=True),
    "account level text": lambda f: f.claims_with(account_level="2"),
    "auth level 0": lambda f: f.claims_with(auth_level=0),
    "auth level 5": lambda f: f.claims_with(auth_level=5),
    "auth level list": lambda f: f.claims_with(auth_level=[2]),
    "roles missing": lambda f: f.claims_with(roles=MISSING),
    "roles text": lambda f: f.claims_with(roles="admin"),
    "roles unknown": lambda f: f.claims_with(roles=["root"]),
    "roles nested": lambda f: f.claims_with(roles=[["admin"]]),
    "auth_time missing": lambda f: f.claims_with(auth_time=MISSING),
    "cnf null": lambda f: f.claims_with(cnf=None),
    "cnf empty": lambda f: f.claims_with(cnf={}),
    "cnf with a key": lambda f: f.claims_with(cnf={"jwk": public_jwk(EVIL)}),
    "cnf with two": lambda f: f.claims_with(cnf={"jkt": "a", "x5t#S256": "b"}),
    # S-17: headers that bring their own key, address or rule
    "jwk": lambda f: signed(f.header | {"jwk": public_jwk(EVIL)}, f.payload, EVIL),
    "jwk, rightly signed": lambda f: f.header_with(jwk=public_jwk(EVIL)),
    "jku": lambda f: f.header_with(jku="http://127.0.0.1:9/jwks.json"),
    "x5u": lambda f: f.header_with(x5u="http://127.0.0.1:9/cert.pem"),
    "x5c": lambda f: f.header_with(x5c=["MIIB"]),
    "x5t": lambda f: f.header_with(x5t="AAAA"),
    "crit unknown": lambda f: f.header_with(crit=["exp"]),
    "crit empty": lambda f: f.header_with(crit=[]),
    "crit b64": lambda f: f.header_with(crit=["b64"], b64=False),
    "b64 false": lambda f: f.header_with(b64=False),
    "b64 true": lambda f: f.header_with(b64=True),
    "cty": lambda f: f.header_with(cty="JWT"),
    "zip": lambda f: f.header_with(zip="DEF"),
    "enc": lambda f: f.header_with(enc="A256GCM"),
    "unknown member": lambda f: f.header_with(x=1),
    "kid missing": lambda f: f.header_with(kid=MISSING),
    "kid null": lambda f: f.header_with(kid=None),
    "kid number": lambda f: f.header_with(kid=0),
    "kid list": lambda f: f.header_with(kid=["a"]),
    "kid object": lambda f: f.header_with(kid={"a": 1}),
    "kid path": lambda f: f.header_with(kid="../../../../dev/null"),
    "kid absolute path": lambda f: f.header_with(kid="/etc/passwd"),
    "kid quote": lambda f: f.header_with(kid="' OR 1=1 --"),
    "kid control": lambda f: f.header_with(kid="a\r\nSet-Cookie: a"),
    "kid NUL": lambda f: f.header_with(kid=f"{f.signer.kid}\0"),
    "kid upper case": lambda f: f.header_with(kid=f.signer.kid.upper() + " "),
    "kid address": lambda f: f.header_with(kid="http://127.0.0.1:9/"),
    # Shapes
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "five segments": lambda _: "a.b.c.d.e",
    "two segments": lambda f: f.claims_with().rpartition(".")[0],
    "trailing newline": lambda f: f.claims_with() + "\n",
    "leading space": lambda f: " " + f.claims_with(),
    "padded": _padded,
    "standard alphabet": _standard_alphabet,
    "not ASCII": lambda f: "é" + f.claims_with(),
    "header list": lambda f: f.raw([], f.payload),
    "header text": lambda f: f.raw('"alg"', f.payload),
    "header twice alg": lambda f: f.raw(
        f'{{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"{f.signer.kid}"}}', f.payload
    ),
    "payload twice sub": lambda f: f.raw(f.header, '{"sub":"acc_2",' + json.dumps(f.payload)[1:]),
    "payload list": lambda f: f.raw(f.header, [f.payload]),
    "payload number": lambda f: f.raw(f.header, "1"),
    "payload no JSON": lambda f: f.raw(f.header, "sub=acc_1"),
    "payload not UTF-8": lambda f: f.raw(f.header, b'{"sub":"\xff"}'),
    "payload nested deeply": lambda f: f.raw(f.header, "[" * 5000),
    "detached payload": lambda f: f"{encode(f.header)}..{f.claims_with().rpartition('.')[2]}",
    "longer than 8 KiB": lambda f: f.claims_with(note="x" * 8192),
}


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 60


def test_the_forge_can_make_a_good_one(codec: TokenCodec, keystore: Keystore) -> None:
    claims = codec.decode(TokenKind.ACCESS, Forge(keystore).claims_with(), NOON, LEEWAY)
    assert claims == Forge(keystore).payload


@pytest.mark.parametrize("name", HOSTILE)
def test_s15_s16_s17_hostile_token_is_refused(codec: TokenCodec, keystore: Keystore, name: str) -> None:
    token = HOSTILE[name](Forge(keystore))
    with pytest.raises(NotAuthenticated) as caught:
        codec.decode(TokenKind.ACCESS, token, NOON, LEEWAY)
    assert caught.value.code == ("token_expired" if name == "expired" else "invalid_token")


@pytest.mark.parametrize("role", [role for role in REQUIRED if role is not Role.ACCESS])
def test_a_key_of_another_role_makes_no_access_token(codec: TokenCodec, keystore: Keystore, role: Role) -> None:
    with pytest.raises(NotAuthenticated, match="invalid_token"):
        codec.decode(TokenKind.ACCESS, Forge(keystore, role).claims_with(), NOON, LEEWAY)


def test_one_kind_never_stands_in_for_the_other(codec: TokenCodec) -> None:
    access, refresh = codec.encode(TokenKind.ACCESS, ACCESS), codec.encode(TokenKind.REFRESH, REFRESH)
    with pytest.raises(NotAuthenticated, match="invalid_token"):
        codec.decode(TokenKind.REFRESH, access, NOON, LEEWAY)
    with pytest.raises(NotAuthenticated, match="invalid_token"):
        codec.decode(TokenKind.ACCESS, refresh, NOON, LEEWAY)


def test_another_issuer_with_the_same_keys_is_refused(codec: TokenCodec, keystore: Keystore) -> None:
    token = TokenCodec(keystore, "https://khac.example.vn").encode(TokenKind.ACCESS, ACCESS)
    with pytest.raises(NotAuthenticated, match="invalid_token"):
        codec.decode(TokenKind.ACCESS, token, NOON, LEEWAY)


def test_revoked_key_makes_everything_it_signed_invalid(codec: TokenCodec, keys_dir: Path, tmp_path: Path) -> None:
    token = codec.encode(TokenKind.ACCESS, ACCESS)
    directory = Path(shutil.copytree(keys_dir, tmp_path / "keys"))

    def opened(state: str) -> TokenCodec:
        records = [replace(r, state=state) if r.kid == kid else r for r in read_keyring(directory)]
        write_keyring(directory, records)
        create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
        return TokenCodec(Keystore.open(directory), ISSUER)

    (kid,) = (record.kid for record in read_keyring(directory) if record.role == Role.ACCESS)
    assert opened("retired").decode(TokenKind.ACCESS, token, NOON, LEEWAY)
    with pytest.raises(NotAuthenticated, match="invalid_token"):
        opened("revoked").decode(TokenKind.ACCESS, token, NOON, LEEWAY)


@pytest.mark.parametrize(
    ("kind", "claims"),
    [
        (TokenKind.ACCESS, {}),
        (TokenKind.ACCESS, REFRESH),
        (TokenKind.ACCESS, ACCESS | {"exp": NOW + 901}),
        (TokenKind.REFRESH, REFRESH | {"exp": NOW + 91 * 86400}),
        (TokenKind.REFRESH, REFRESH | {"sub": None}),
    ],
)
def test_nothing_is_made_that_would_be_refused(codec: TokenCodec, kind: TokenKind, claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no .* token"):
        codec.encode(kind, claims)


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (599, True), (604, True), (605, False), (606, False)])
def test_s19_exp_holds_to_the_second_with_the_leeway(codec: TokenCodec, seconds: int, taken: bool) -> None:
    token, now = codec.encode(TokenKind.ACCESS, ACCESS), NOON + timedelta(seconds=seconds)
    if taken:
        assert codec.decode(TokenKind.ACCESS, token, now, LEEWAY)["sub"] == "acc_1"
    else:
        with pytest.raises(NotAuthenticated, match="token_expired"):
            codec.decode(TokenKind.ACCESS, token, now, LEEWAY)


@pytest.mark.parametrize(("seconds", "taken"), [(4, True), (5, True), (6, False)])
def test_s19_iat_may_be_ahead_by_the_leeway(codec: TokenCodec, seconds: int, taken: bool) -> None:
    token, now = codec.encode(TokenKind.ACCESS, ACCESS), NOON - timedelta(seconds=seconds)
    if taken:
        assert codec.decode(TokenKind.ACCESS, token, now, LEEWAY)
    else:
        with pytest.raises(NotAuthenticated, match="invalid_token"):
            codec.decode(TokenKind.ACCESS, token, now, LEEWAY)


@pytest.mark.parametrize(("life", "taken"), [(900, True), (901, False)])
def test_s19_no_access_token_lives_longer_than_a_quarter_of_an_hour(
    codec: TokenCodec, keystore: Keystore, life: int, taken: bool
) -> None:
    token = Forge(keystore).claims_with(exp=NOW + life)
    if taken:
        assert codec.decode(TokenKind.ACCESS, token, NOON, LEEWAY)
    else:
        with pytest.raises(NotAuthenticated, match="invalid_token"):
            codec.decode(TokenKind.ACCESS, token, NOON, LEEWAY)


@settings(max_examples=200)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_random_text_raises_only_our_errors(keystore: Keystore, data: bytes) -> None:
    codec = TokenCodec(keystore, ISSUER)
    for text in (data.decode("latin-1"), f"{encode(data)}.{encode(data)}.{encode(data)}"):
        with pytest.raises(WalletError):
            codec.decode(TokenKind.ACCESS, text, NOON, LEEWAY)


@settings(max_examples=200)
@given(st.data())
def test_one_flipped_bit_never_verifies(keystore: Keystore, data: st.DataObject) -> None:
    codec = TokenCodec(keystore, ISSUER)
    token = codec.encode(TokenKind.ACCESS, ACCESS).encode()
    index, bit = data.draw(st.integers(0, len(token) - 1)), data.draw(st.integers(0, 6))
    altered = token[:index] + bytes([token[index] ^ 1 << bit]) + token[index + 1 :]
    with pytest.raises(NotAuthenticated):
        codec.decode(TokenKind.ACCESS, altered.decode("latin-1"), NOON, LEEWAY)


def test_random_claims_raise_only_our_errors(keystore: Keystore) -> None:
    forge, codec = Forge(keystore), TokenCodec(keystore, ISSUER)
    values: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], {}, [[]], {"jkt": 1}, 10**40]
    for name in [*forge.payload, "cnf"]:
        for value in values:
            try:
                codec.decode(TokenKind.ACCESS, forge.claims_with(**{name: value}), NOON, LEEWAY)
            except NotAuthenticated:
                continue
            assert (name, value) in [("roles", [])] or name in ("sub", "jti", "sid", "dev")
