"""Whose keys count, and what their status lists say, with everything parsed once.

Source: docs/wire.md, sections 3 (steps 3 and 6) and 4.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import read_certificate
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.cbor import MAX_INTEGER
from wallet.formats.compact_values import seconds_of
from wallet.formats.live_code import DeviceKey
from wallet.formats.status_list import (
    StatusListClaims,
    get_entry,
    parse_status_cwt,
    parse_status_jwt,
    verify_status_list,
)
from wallet.formats.trust_bundle import ANY_UTILITY, ClaimEntry, IssuerEntry, KeyEntry, TypeEntry


class StatusCopy(Protocol):
    """One copy of a status list whose signer is good. Times in seconds since 1970-01-01 UTC."""

    @property
    def issued_at(self) -> int: ...

    @property
    def expires_at(self) -> int: ...

    def value(self, index: int) -> int:
        """Return the entry; raise Malformed when the list is unreadable or the index lies outside."""
        ...


StatusLookup = Callable[[str, str], Sequence[StatusCopy]]
"""Gives the copies held for (issuer code, uri), in any order: the verifier takes the latest."""


FUTURE_SECONDS = 60
"""How far ahead a list or a bundle may be dated (docs/wire.md, section 3, step 5)."""


@dataclass(frozen=True, slots=True)
class HeldStatusList:
    """A copy of a status list that was verified when it was taken. token: a JWT as text, a CWT as bytes."""

    claims: StatusListClaims
    token: str | bytes

    @property
    def issued_at(self) -> int:
        return self.claims.issued_at

    @property
    def expires_at(self) -> int:
        # Without an end that can be read it has no entries either: it is unknown, not stale.
        return MAX_INTEGER if self.claims.expires_at is None else self.claims.expires_at

    def value(self, index: int) -> int:
        if self.claims.entries is None:
            raise Malformed("the list is unreadable")
        return get_entry(self.claims.entries, index, bits=self.claims.bits)


@dataclass(frozen=True, slots=True)
class HeldLists:
    """A `StatusLookup` over copies that were verified. copies: by (issuer code, uri)."""

    copies: Mapping[tuple[str, str], Sequence[HeldStatusList]]

    def __call__(self, issuer: str, uri: str) -> Sequence[HeldStatusList]:
        return self.copies.get((issuer, uri), ())

    def __or__(self, others: "HeldLists") -> "HeldLists":
        return HeldLists({place: (*self(*place), *others(*place)) for place in {**self.copies, **others.copies}})

    def outliving(self, newer: "HeldLists", moment: float) -> tuple[str | bytes, ...]:
        """Return the tokens of the copies whose place none of `newer` may take: theirs are older.

        moment: seconds. A list that is missing there stays until it is over. What is dated ahead does not stay: it was
        taken by a clock that ran ahead. Source: docs/wire.md, sections 3 and 5.
        """
        return tuple(
            dict.fromkeys(
                copy.token
                for place, copies in self.copies.items()
                for copy in copies
                if copy.issued_at <= moment + FUTURE_SECONDS
                and (place in newer.copies or moment < copy.expires_at)
                and all(copy.issued_at > other.issued_at for other in newer(*place))
            )
        )


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One key of one issuer. Times in seconds.

    public_key: None when it is no ES256 key. point: the same, as a card names a device's.
    """

    issuer: str
    kid: str
    public_key: ec.EllipticCurvePublicKey | None
    point: DeviceKey | None
    not_before: int
    not_after: int
    certificate_not_after: int
    utilities: frozenset[str]
    role: str
    revoked: bool

    @classmethod
    def of(cls, issuer: str, entry: KeyEntry) -> Self:
        """Return the key of a bundle's entry. What we cannot read, a certificate or an algorithm, is never allowed."""
        public_key, certificate_not_after = None, 0
        try:
            certificate = read_certificate(entry.x5c[0])
        except Malformed:
            pass  # the bundle may hold what only others can read; it is not less true for the rest
        else:
            certificate_not_after = seconds_of(certificate.not_after)
            public_key = certificate.public_key if entry.alg == "ES256" else None
        return cls(
            issuer=issuer,
            kid=entry.kid,
            public_key=public_key,
            point=None if public_key is None else DeviceKey.of(public_key),
            not_before=seconds_of(entry.not_before),
            not_after=seconds_of(entry.not_after),
            certificate_not_after=certificate_not_after,
            utilities=frozenset(entry.utilities),
            role=entry.roles[0],
            revoked=entry.state == "revoked",
        )

    def may_sign(self, issued_at: int, expires_at: int) -> bool:
        """Return whether state and dates allow this key to have signed something with these times (seconds)."""
        if self.revoked or self.public_key is None:
            return False
        return self.not_before <= issued_at <= self.not_after and expires_at <= self.certificate_not_after

    def serves(self, utility: str) -> bool:
        return utility in self.utilities or ANY_UTILITY in self.utilities


@dataclass(frozen=True, slots=True)
class TrustedType:
    """What the bundle tells of one version of one utility. claims: by number."""

    title: Mapping[str, str]
    claims: Mapping[int, ClaimEntry]


def _no_lists(_issuer: str, _uri: str) -> Sequence[StatusCopy]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a verifier believes: from a trust bundle, or put together in the process from own keys.

    issuers: code to name by language. keys: by (issuer code, kid). types: by (code, version). iat, exp: seconds.
    """

    issuers: Mapping[str, Mapping[str, str]]
    keys: Mapping[tuple[str, str], TrustedKey]
    types: Mapping[tuple[str, int], TrustedType]
    iat: int
    exp: int
    status: StatusLookup = _no_lists

    @classmethod
    def of(
        cls,
        issuers: Iterable[IssuerEntry],
        types: Iterable[TypeEntry],
        *,
        issued_at: datetime,
        expires_at: datetime,
        status: StatusLookup = _no_lists,
    ) -> "Trust":
        """Return the trust of these entries; keys and types are parsed here and never again."""
        names, keys = trusted_issuers(issuers)
        return Trust(
            issuers=names,
            keys=keys,
            types=trusted_types(types),
            iat=seconds_of(issued_at),
            exp=seconds_of(expires_at),
            status=status,
        )

    def holding(self, tokens: Iterable[str | bytes]) -> Self:
        """Return the same with more copies of status lists (JWT as text, CWT as bytes), from wherever they came.

        What cannot be verified is no copy.
        """
        before, fetched = self.status, held_lists(self.keys, tokens)
        return replace(self, status=lambda issuer, uri: (*before(issuer, uri), *fetched(issuer, uri)))

    def addressed(self, iss: str) -> "AddressedTrust":
        """Return the same for the service at this URL."""
        return AddressedTrust(
            issuers=self.issuers,
            keys=self.keys,
            types=self.types,
            iat=self.iat,
            exp=self.exp,
            status=self.status,
            iss=iss,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedTrust(Trust):
    """A Trust that knows for which service it speaks. iss: the URL of it."""

    iss: str


def trusted_issuers(
    issuers: Iterable[IssuerEntry],
) -> tuple[dict[str, Mapping[str, str]], dict[tuple[str, str], TrustedKey]]:
    """Return names by code, and keys by (code, kid)."""
    names: dict[str, Mapping[str, str]] = {}
    keys: dict[tuple[str, str], TrustedKey] = {}
    for issuer in issuers:
        names[issuer.code] = dict(issuer.name)
        for entry in issuer.keys:
            keys[issuer.code, entry.kid] = TrustedKey.of(issuer.code, entry)
    return names, keys


def trusted_types(types: Iterable[TypeEntry]) -> dict[tuple[str, int], TrustedType]:
    """Return the types by (code, version)."""
    return {
        (entry.code, entry.version): TrustedType(dict(entry.title), {claim.n: claim for claim in entry.claims})
        for entry in types
    }


def held_lists(keys: Mapping[tuple[str, str], TrustedKey], tokens: Iterable[str | bytes]) -> HeldLists:
    """Return a lookup over these status list tokens, each verified once against the `status` keys of each issuer.

    Source: docs/wire.md, section 3, step 6; Token Status List draft-21, section 8.3.
    """
    by_kid: dict[str, list[TrustedKey]] = {}
    for key in keys.values():
        if key.role == "status":
            by_kid.setdefault(key.kid, []).append(key)
    copies: dict[tuple[str, str], list[HeldStatusList]] = {}
    for token in tokens:
        try:
            unverified = parse_status_jwt(token) if isinstance(token, str) else parse_status_cwt(token)
        except (Malformed, VerificationFailed):
            continue  # unreadable: no copy, so `status_unknown` where it was needed
        for key in by_kid.get(unverified.kid, ()):
            if key.public_key is None:
                continue
            try:
                claims = verify_status_list(unverified, key.public_key)
            except (Malformed, VerificationFailed):
                continue
            if key.may_sign(claims.issued_at, claims.issued_at if claims.expires_at is None else claims.expires_at):
                copies.setdefault((key.issuer, claims.uri), []).append(HeldStatusList(claims, token))
    return HeldLists(copies)
