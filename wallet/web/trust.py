"""What the world fetches: the trust bundle, the status lists, the public keys. Signed copies, served as they are."""

import base64
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotAcceptable

from wallet.crypto.jwk import public_jwk
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Role
from wallet.documents.publishing import Publication
from wallet.documents.retold import plain
from wallet.errors import NotFound
from wallet.formats.two_signatures import MEDIA_TYPE as TWICE
from wallet.web.answers import conditional, json_answer, with_etag
from wallet.web.context import current_wallet
from wallet.web.schemas import refuse_parameters

routes = Blueprint("trust", __name__)
routes.before_request(refuse_parameters)

STATUS_JWT = "application/statuslist+jwt"
STATUS_CWT = "application/statuslist+cwt"
BUNDLE_JWT = "application/jwt"
ENTITIES_JWS = "application/jose"
PEM_CHAIN = "application/pem-certificate-chain"
PKIX_CRL = "application/pkix-crl"
CACHE = "public, max-age=5, stale-while-revalidate=30"
TYPES_CACHE = "public, max-age=86400"
KEYS_CACHE = "public, max-age=300"
JWKS_ROLES = (Role.DOCUMENT, Role.CARD, Role.LIVE, Role.STATUS, Role.SD_JWT, Role.ACCESS)
UNTOLD = frozenset({State.PLANNED, State.REVOKED})
"""A key set has no word for a revoked key: it is not there, and who asks for one learns it by no other way."""


@routes.get("/v1/trust/bundle")
def read_trust_bundle() -> Response:
    """Fetch the trust bundle (docs/wire.md, section 4); as JSON with a second signature, where it is signed twice."""
    trust = current_wallet().trust
    # Whoever fetched it before there were two forms may name any type: only who asks for the second gets it.
    if request.accept_mimetypes.best_match([BUNDLE_JWT, TWICE]) == TWICE:
        return _negotiated(trust.bundle_twice(), TWICE)
    return _negotiated(trust.bundle(), BUNDLE_JWT)


@routes.get("/v1/trust/entities")
def read_trusted_entities() -> Response:
    """Fetch the keys as a List of Trusted Entities (ETSI TS 119 602): a JWS (JAdES B-B), or plain JSON."""
    trust = current_wallet().trust
    if _wanted([ENTITIES_JWS, "application/json"]) == ENTITIES_JWS:
        return _negotiated(trust.entities(), ENTITIES_JWS)
    return _negotiated(plain(trust.entities()), "application/json")


@routes.get("/v1/status-lists/<list_id>")
def read_status_list(list_id: str) -> Response:
    """Fetch a status list, JWT unless CWT is asked for (Token Status List draft-21, section 8.1)."""
    number = _number(list_id)  # that address is the `sub` inside: `01` is no name of list 1
    trust, wanted = current_wallet().trust, _wanted([STATUS_JWT, STATUS_CWT, TWICE])
    if wanted == TWICE:
        return _negotiated(trust.status_list_twice(number), TWICE)
    return _negotiated(trust.status_list(number, cbor=wanted == STATUS_CWT), wanted)


@routes.get("/v1/trust/iaca")
def read_iaca_roots() -> Response:
    """Fetch the roots that certify the signers of SD-JWT VC, mdoc and seals, as PEM (ISO/IEC 18013-5, Annex B)."""
    roots = [x509.load_der_x509_certificate(key.signer.certificate_der) for key in current_wallet().trust.roots]
    pem = b"".join(root.public_bytes(Encoding.PEM) for root in roots)
    response = current_app.response_class(pem, mimetype=PEM_CHAIN)
    response.headers["Cache-Control"] = KEYS_CACHE
    return with_etag(response)


@routes.get("/v1/trust/iaca/<key_id>.crl")
def read_revoked_signers(key_id: str) -> Response:
    """Fetch the list of a root's signers that are revoked (RFC 5280, section 5)."""
    return _published(current_wallet().trust.revoked_signers(key_id), PKIX_CRL)


@routes.get("/.well-known/jwks.json")
def read_jwks() -> Response:
    """Fetch the public keys as a JWK set (RFC 7517, section 5)."""
    keys = [key for role in JWKS_ROLES for key in _told(role)]
    return with_etag(json_answer({"keys": keys}, cache=KEYS_CACHE))


@routes.get("/.well-known/jwt-vc-issuer")
def read_credential_issuer() -> Response:
    """Fetch whose SD-JWT VCs these are and by which keys (draft-ietf-oauth-sd-jwt-vc-19, JWT VC issuer metadata)."""
    issuer = current_wallet().settings.issuer_url
    return with_etag(json_answer({"issuer": issuer, "jwks": {"keys": _told(Role.SD_JWT)}}, cache=KEYS_CACHE))


@routes.get("/v1/types/<code>/<version>")
def read_type(code: str, version: str) -> Response:
    """Fetch what a kind of document is, in bytes that fit `vct#integrity` (draft-ietf-oauth-sd-jwt-vc-19)."""
    wallet, number = current_wallet(), _number(version)
    found = wallet.catalogue.issued(code, number)
    if found is not None:
        content = wallet.kept_types.served(*found)
    else:  # of a release before this one, or of a package that was taken away: its documents are still about
        content = wallet.kept_types.metadata(code, number)
    response = current_app.response_class(content, mimetype="application/json")
    response.headers["Cache-Control"] = TYPES_CACHE
    return with_etag(response)


def _number(text: str) -> int:
    """Return the number in an address, which has one spelling alone. Raises NotFound."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and text == str(int(text))):
        raise NotFound("not_found")
    return int(text)


def _wanted(offered: list[str]) -> str:
    """Return which of these forms is asked for, the first when nothing is. Raises NotAcceptable."""
    wanted = request.accept_mimetypes.best_match(offered) if request.headers.get("Accept") else offered[0]
    if wanted is None:
        raise NotAcceptable
    return wanted


def _negotiated(copy: Publication, mimetype: str) -> Response:
    response = _published(copy, mimetype)
    response.headers["Vary"] = "Accept"
    return response


def _published(copy: Publication, mimetype: str) -> Response:
    response = current_app.response_class(copy.token, mimetype=mimetype)
    response.headers["Cache-Control"] = CACHE
    response.set_etag(copy.etag)
    response.last_modified = copy.issued_at
    return conditional(response)


def _told(role: Role) -> list[dict[str, Any]]:
    """Return the keys of a role that the world is told of."""
    keys = current_wallet().keystore.keys(role)
    return [_jwk(role, key.signer.certificate_der, key.record.kid) for key in keys if key.record.state not in UNTOLD]


def _jwk(role: Role, certificate_der: bytes, kid: str) -> dict[str, Any]:
    """Return the public key of a certificate as a JWK (RFC 7518, section 6.2.1)."""
    public = x509.load_der_x509_certificate(certificate_der).public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("a signer's key is on P-256")
    return {
        **public_jwk(public),
        "kid": kid,
        "use": "sig",
        "alg": "ES256",
        "viso_role": str(role),
        "x5c": [base64.b64encode(certificate_der).decode()],
    }
