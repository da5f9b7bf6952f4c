"""The trust bundle: all a verifier needs to work with the network dead, as one compact JWS.

Source: docs/wire.md, section 4.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.crypto import jws
from wallet.crypto.certificates import MAX_CERTIFICATE_BYTES, read_certificate
from wallet.crypto.signing import Signer, kid_of
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.cbor import MAX_INTEGER
from wallet.formats.compact_values import LAST_SECOND, moment_of, seconds_of
from wallet.formats.second_keys import MEMBER, SecondKey, second_keys_json

TYP = "viso-bundle+jwt"
MAX_BUNDLE_CHARACTERS = 32 * 1024 * 1024
ROLES = ("doc", "card", "live", "status", "sdjwt", "mdoc")
STATES = ("published", "active", "retired", "revoked")
ANY_UTILITY = "*"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One signing key of an issuer. kid: 16 lower-case hex digits. x5c: DER, the signer first.

    not_before, not_after: when it may sign, both included. utilities: codes, or `("*",)`. roles: exactly one.
    """

    kid: str
    x5c: tuple[bytes, ...]
    not_before: datetime
    not_after: datetime
    utilities: tuple[str, ...]
    roles: tuple[str, ...]
    state: str
    alg: str = "ES256"


@dataclass(frozen=True, slots=True)
class IssuerEntry:
    """One issuer and its keys. name: by language, vi and en."""

    code: str
    name: Mapping[str, str]
    keys: tuple[KeyEntry, ...]


@dataclass(frozen=True, slots=True)
class ClaimEntry:
    """One claim of a type. n: its number in compact bodies. label: by language."""

    n: int
    name: str
    label: Mapping[str, str]
    kind: str


@dataclass(frozen=True, slots=True)
class TypeEntry:
    """One version of one utility, as a verifier needs it to name what it reads."""

    code: str
    version: int
    title: Mapping[str, str]
    claims: tuple[ClaimEntry, ...]


@dataclass(frozen=True, slots=True)
class StatusListEntry:
    """One status list. token: its JWT."""

    uri: str
    token: str


@dataclass(frozen=True, slots=True)
class BundleContent:
    """What a bundle says. iss: URL of the service. seq: rises by one. prev: `bundle_digest` of the one before.

    second_keys: told by whoever signs a bundle. docs/wire.md does not name them, so a reader of one signature passes
    them over, whatever they are, and has none; who demands two reads them apart (`second_keys.read_second_keys`).
    """

    iss: str
    issued_at: datetime
    expires_at: datetime
    next_update: datetime
    seq: int
    prev: str | None
    issuers: tuple[IssuerEntry, ...]
    status_lists: tuple[StatusListEntry, ...]
    types: tuple[TypeEntry, ...]
    second_keys: tuple[SecondKey, ...] = ()


@dataclass(frozen=True, slots=True)
class UnverifiedBundle:
    """A bundle as it was read. root_der: the certificate it came with, vouched for by nobody yet."""

    signed: jws.UnverifiedJws
    root_der: bytes

    @property
    def pin(self) -> str:
        """Return the pin that would vouch for this root: lower-case hex SHA-256 over its DER."""
        return pin_of(self.root_der)

    def verify(self, pins: frozenset[str]) -> BundleContent:
        """Return the content if a pin vouches for the root and the root signed it.

        Raises VerificationFailed("key_not_allowed") or ("bad_signature"), or Malformed. Source: docs/wire.md, 4.
        """
        if self.pin not in pins:
            raise VerificationFailed("key_not_allowed", "no pin vouches for this root")
        public_key = read_certificate(self.root_der).public_key
        if public_key is None:
            raise VerificationFailed("key_not_allowed", "the root's key is not on P-256")
        return _content(self.signed.verify(public_key))


def pin_of(root_der: bytes) -> str:
    """Return the pin of a root certificate. Source: docs/wire.md, section 4."""
    return hashlib.sha256(root_der).hexdigest()


def bundle_digest(token: str) -> str:
    """Return what the next bundle says as `prev`: base64url SHA-256 over the compact JWS as ASCII."""
    return jws.b64url_encode(hashlib.sha256(token.encode("ascii")).digest()).decode("ascii")


def sign_bundle(content: BundleContent, root_signer: Signer) -> str:
    """Return the bundle as a compact JWS by the root. Source: docs/wire.md, section 4; RFC 7515, section 4.1.6."""
    payload: dict[str, Any] = {
        "iss": content.iss,
        "iat": seconds_of(content.issued_at),
        "exp": seconds_of(content.expires_at),
        "next_update": seconds_of(content.next_update),
        "seq": content.seq,
    }
    if content.prev is not None:
        payload["prev"] = content.prev
    payload["issuers"] = [_issuer_json(issuer) for issuer in content.issuers]
    payload["status_lists"] = [{"uri": entry.uri, "token": entry.token} for entry in content.status_lists]
    payload["types"] = [type_json(entry) for entry in content.types]
    if content.second_keys:
        payload[MEMBER] = second_keys_json(content.second_keys)
    return jws.sign(payload, root_signer, typ=TYP, header={"x5c": [_b64(root_signer.certificate_der)]})


def parse_bundle(token: str) -> UnverifiedBundle:
    """Return the bundle that `token` is, unverified. Source: docs/wire.md, section 4."""
    signed = jws.parse(token, typ=TYP, max_characters=MAX_BUNDLE_CHARACTERS)
    chain = signed.header.get("x5c")
    if not isinstance(chain, list) or len(chain) != 1:
        raise Malformed("x5c is not the root's certificate alone")
    return UnverifiedBundle(signed, _der(chain[0]))


def _issuer_json(issuer: IssuerEntry) -> dict[str, Any]:
    return {"code": issuer.code, "name": dict(issuer.name), "keys": [_key_json(key) for key in issuer.keys]}


def _key_json(key: KeyEntry) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "x5c": [_b64(der) for der in key.x5c],
        "alg": key.alg,
        "not_before": seconds_of(key.not_before),
        "not_after": seconds_of(key.not_after),
        "utilities": list(key.utilities),
        "roles": list(key.roles),
        "state": key.state,
    }


def type_json(entry: TypeEntry) -> dict[str, Any]:
    """Return a member of `types` as JSON."""
    claims = [{"n": c.n, "name": c.name, "label": dict(c.label), "kind": c.kind} for c in entry.claims]
    return {"code": entry.code, "version": entry.version, "title": dict(entry.title), "claims": claims}


def _content(payload: dict[str, Any]) -> BundleContent:
    prev = _text(payload, "prev") if "prev" in payload else None
    issuers = tuple(_issuer(item) for item in _objects(payload, "issuers"))
    if len({issuer.code for issuer in issuers}) != len(issuers):
        raise Malformed("an issuer stands there twice")
    lists = _objects(payload, "status_lists")
    return BundleContent(
        iss=_text(payload, "iss"),
        issued_at=_moment(payload, "iat"),
        expires_at=_moment(payload, "exp"),
        next_update=_moment(payload, "next_update"),
        seq=_uint(payload, "seq"),
        prev=prev,
        issuers=issuers,
        status_lists=tuple(StatusListEntry(_text(item, "uri"), _text(item, "token")) for item in lists),
        types=tuple(type_from_json(item) for item in _objects(payload, "types")),
    )


def _issuer(item: dict[str, Any]) -> IssuerEntry:
    keys = tuple(_key(key) for key in _objects(item, "keys"))
    if len({key.kid for key in keys}) != len(keys):
        raise Malformed("a key stands there twice")
    return IssuerEntry(_text(item, "code"), _languages(item, "name"), keys)


def _key(item: dict[str, Any]) -> KeyEntry:
    chain = item.get("x5c")
    if not isinstance(chain, list) or not chain:
        raise Malformed("a key without its certificate")
    key = KeyEntry(
        kid=_text(item, "kid"),
        x5c=tuple(_der(certificate) for certificate in chain),
        not_before=_moment(item, "not_before"),
        not_after=_moment(item, "not_after"),
        utilities=_texts(item, "utilities"),
        roles=_texts(item, "roles"),
        state=_text(item, "state"),
        alg=_text(item, "alg") if "alg" in item else "ES256",
    )
    if key.kid != kid_of(key.x5c[0]).hex():
        raise Malformed("a kid that is not its certificate's")
    if len(key.roles) != 1 or key.roles[0] not in ROLES or key.state not in STATES:
        raise Malformed("a key has one role and one state")
    return key


def type_from_json(item: dict[str, Any]) -> TypeEntry:
    """Return what a member of `types` says. Raises Malformed."""
    claims = tuple(
        ClaimEntry(_uint(claim, "n"), _text(claim, "name"), _languages(claim, "label"), _text(claim, "kind"))
        for claim in _objects(item, "claims")
    )
    return TypeEntry(_text(item, "code"), _uint(item, "version"), _languages(item, "title"), claims)


def _objects(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = item.get(name)
    if not isinstance(found, list) or not all(isinstance(member, dict) for member in found):
        raise Malformed(f"{name} is missing or of another type")
    return found


def _texts(item: dict[str, Any], name: str) -> tuple[str, ...]:
    found = item.get(name)
    if not isinstance(found, list):
        raise Malformed(f"{name} is missing or of another type")
    return tuple(_as_text(member, name) for member in found)


def _text(item: dict[str, Any], name: str) -> str:
    return _as_text(item.get(name), name)


def _as_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing or of another type")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can spell a lone surrogate; nothing else can carry it on
        raise Malformed(f"{name} is no text") from error
    return value


def _languages(item: dict[str, Any], name: str) -> dict[str, str]:
    found = item.get(name)
    if not isinstance(found, dict):
        raise Malformed(f"{name} is missing or of another type")
    return {language: _text(found, language) for language in ("vi", "en")}


def _uint(item: dict[str, Any], name: str) -> int:
    found = item.get(name)
    if found.__class__ is not int or not 0 <= found <= MAX_INTEGER:
        raise Malformed(f"{name} is missing or of another type")
    return int(found)


def _moment(item: dict[str, Any], name: str) -> datetime:
    """Return a time; beyond the calendar it is the calendar's end: no code outlives that either."""
    return moment_of(min(_uint(item, name), LAST_SECOND))


def _b64(der: bytes) -> str:
    return base64.b64encode(der).decode("ascii")


def _der(text: Any) -> bytes:
    """Return the bytes of one member of x5c: base64, not base64url. Source: RFC 7515, section 4.1.6."""
    if not isinstance(text, str) or len(text) > 2 * MAX_CERTIFICATE_BYTES:
        raise Malformed("a certificate is missing or of another type")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("a certificate that is not base64") from error
