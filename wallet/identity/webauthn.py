"""Passkeys as browsers speak of them: what is asked of an authenticator, and what its answer proves.

The library `webauthn` reads and verifies; what it is held to is here: the relying party is the host of the issuer's
URL, the user was verified, the credential lives in the authenticator (so that nobody has to say first who they are),
and the challenge is one of ours, unused. Source: Web Authentication Level 3, sections 7.1 and 7.2.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from wallet.crypto.jws import b64url_decode, json_object
from wallet.errors import InvalidInput, Malformed, NotAuthenticated
from wallet.identity.challenges import Challenge, Challenges, Purpose

RP_NAME = "Ví Số"
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
MAX_CREDENTIAL_BYTES = 1023
"""The longest id that an authenticator may choose (section 5.8.3 there)."""

_TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What an authenticator made. public_key: COSE, as it came. challenge: has to be used up."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    challenge: Challenge


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    """A well-formed answer to a challenge of ours; who gave it is not known yet."""

    credential_id: bytes
    user_handle: str
    challenge: Challenge
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webauthn:
    """Built once per process. origins: where a page may ask from; the first is the issuer's own."""

    challenges: Challenges
    rp_id: str
    origins: Sequence[str]

    def creation_options(
        self, account_id: str, name: str, display_name: str, known: Sequence[bytes], now: datetime
    ) -> tuple[dict[str, Any], datetime]:
        """Return what `navigator.credentials.create` is called with, as JSON, and until when it is good.

        known: credentials that the holder has, so that one authenticator does not make two.
        """
        challenge = self.challenges.mint(account_id, now, Purpose.REGISTRATION)
        options = webauthn.generate_registration_options(
            rp_id=self.rp_id,
            rp_name=RP_NAME,
            user_id=account_id.encode(),
            user_name=name,
            user_display_name=display_name,
            challenge=b64url_decode(challenge.value),
            timeout=self._milliseconds,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
            supported_pub_key_algs=ALGORITHMS,
        )
        return json.loads(webauthn.options_to_json(options)), challenge.expires_at

    def request_options(self, now: datetime) -> tuple[dict[str, Any], datetime]:
        """Return what `navigator.credentials.get` is called with, as JSON, and until when it is good."""
        challenge = self.challenges.mint("", now, Purpose.PASSKEY)
        options = webauthn.generate_authentication_options(
            rp_id=self.rp_id,
            challenge=b64url_decode(challenge.value),
            timeout=self._milliseconds,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return json.loads(webauthn.options_to_json(options)), challenge.expires_at

    def verify_creation(self, credential: Mapping[str, Any], account_id: str, now: datetime) -> NewCredential:
        """Return what an authenticator made for this account. Raises InvalidInput("/credential": "invalid_passkey")."""
        try:
            challenge = self._challenge(credential, account_id, now, Purpose.REGISTRATION)
            verified = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=b64url_decode(challenge.value),
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
        except Exception as error:  # of hostile bytes the library raises whatever the part that failed does
            raise InvalidInput({"/credential": "invalid_passkey"}) from error
        if len(verified.credential_id) > MAX_CREDENTIAL_BYTES:
            raise InvalidInput({"/credential": "invalid_passkey"})
        given = credential["response"].get("transports")
        transports = sorted(_TRANSPORTS.intersection(map(str, given))) if isinstance(given, list) else []
        return NewCredential(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            transports=tuple(transports),
            challenge=challenge,
        )

    def parse(self, assertion: Mapping[str, Any], now: datetime) -> UnverifiedAssertion:
        """Return an assertion whose key is still to be looked up. Raises NotAuthenticated("invalid_credentials")."""
        try:
            challenge = self._challenge(assertion, "", now, Purpose.PASSKEY)
            handle = b64url_decode(assertion["response"]["userHandle"]).decode()
            return UnverifiedAssertion(b64url_decode(assertion["id"]), handle, challenge, assertion)
        except (Malformed, KeyError, TypeError, AttributeError, ValueError) as error:
            raise NotAuthenticated("invalid_credentials") from error

    def verify(self, assertion: UnverifiedAssertion, public_key: bytes) -> int:
        """Return the signature count, now proven to come from the owner of the key; that it went up is asked later.

        Raises NotAuthenticated("invalid_credentials").
        """
        try:
            return webauthn.verify_authentication_response(
                credential=dict(assertion.content),
                expected_challenge=b64url_decode(assertion.challenge.value),
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            ).new_sign_count
        except Exception as error:  # of hostile bytes the library raises whatever the part that failed does
            raise NotAuthenticated("invalid_credentials") from error

    def _challenge(self, answer: Mapping[str, Any], subject: str, now: datetime, purpose: Purpose) -> Challenge:
        """Return the challenge that an authenticator's answer is for. Raises Malformed, KeyError, TypeError."""
        client = json_object(b64url_decode(answer["response"]["clientDataJSON"]))
        if client.get("crossOrigin"):
            raise Malformed("asked from inside another site's page")
        return self.challenges.recognise(client["challenge"], subject, now, purpose)

    @property
    def _milliseconds(self) -> int:
        return int(self.challenges.life.total_seconds() * 1000)


def host_of(issuer_url: str) -> str:
    """Return the host that passkeys are made for."""
    return urlsplit(issuer_url).hostname or ""


def origin_of(issuer_url: str) -> str:
    """Return scheme, host and port of an address, as a browser names an origin."""
    parts = urlsplit(issuer_url)
    return f"{parts.scheme}://{parts.netloc}"
