"""What this issuer tells the world to trust: its keys, its status lists, its types, as one signed bundle.

The same values, unsigned and fresher, are what the online check and issuing itself verify against.
Source: docs/wire.md, sections 4 and 5.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from wallet.clock import Clock
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.documents.publishing import Draft, Publication, Publisher
from wallet.documents.status import BITS, BoardList, StatusBoard
from wallet.errors import Malformed, NotFound
from wallet.formats.status_list import StatusListToken, sign_status_cwt, sign_status_jwt
from wallet.formats.trust_bundle import (
    ANY_UTILITY,
    BundleContent,
    ClaimEntry,
    IssuerEntry,
    KeyEntry,
    StatusListEntry,
    TypeEntry,
    bundle_digest,
    pin_of,
    sign_bundle,
)
from wallet.utilities.base import Kind
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.verifier import Trust

LIFE = timedelta(hours=72)
NEXT_UPDATE = timedelta(hours=24)
STATUS_TTL = timedelta(seconds=900)
BOARD_LIFE_SECONDS = 60
"""How long the board speaks for itself while the database is away; after that the online check cannot tell."""
_Basis = tuple[int, tuple[int, int]]
"""Of what the keys and types were made: the revisions of the catalogue and of the keyring."""
PUBLISHED_ROLES = (Role.DOCUMENT, Role.STATUS, Role.SD_JWT, Role.MDOC)


@dataclass(frozen=True, slots=True)
class BoardCopy:
    """A status list as the board holds it: no signature, for it never left the process."""

    board: BoardList
    issued_at: int
    expires_at: int

    def value(self, index: int) -> int:
        if not 0 <= index < 1 << self.board.bits_log2_size:
            raise Malformed("the index lies outside the list")
        return self.board.get(index)


@dataclass
class TrustCentre:
    """Keys, lists and types of this issuer; one for each process."""

    issuer_url: str
    issuer_code: str
    issuer_name: dict[str, str]
    keystore: Keystore
    catalogue: Catalogue
    board: StatusBoard
    publisher: Publisher
    clock: Clock
    _current: tuple[datetime, _Basis, Trust] | None = None
    _own: "_Known | None" = None

    def address(self, list_id: int) -> str:
        """Return the address that a list gets when it is opened."""
        return f"{self.issuer_url}/v1/status-lists/{list_id}"

    def status_uri(self, list_id: int) -> str:
        """Return the name of a list (`sub`): the address it was opened at, also after the service has moved."""
        if list_id not in self.board.lists:
            self.board.refresh(force=True)
        held = self.board.lists.get(list_id)
        return self.address(list_id) if held is None else held.uri

    @property
    def pin(self) -> str:
        """Return what a verifier is given by another way, to know the bundle by."""
        return pin_of(self.keystore.signer(Role.BUNDLE_ROOT).certificate_der)

    def trust(self) -> Trust:
        """Return what to verify against now: own keys, and the board as it is at this moment."""
        at, own = self.board.refresh(), self._known()
        current = self._current
        if current is not None and current[:2] == (at, own.basis):
            return current[2]
        seconds = int(at.timestamp())
        lists = {held.uri: held for held in self.board.lists.values()}

        def status(issuer: str, uri: str) -> Sequence[BoardCopy]:
            if issuer != self.issuer_code or uri not in lists:
                return ()
            return (BoardCopy(lists[uri], seconds, seconds + BOARD_LIFE_SECONDS),)

        trust = replace(own.trust, iat=seconds, exp=seconds + int(LIFE.total_seconds()), status=status)
        self._current = (at, own.basis, trust)
        return trust

    def bundle(self) -> Publication:
        """Return the trust bundle in force. Raises Unavailable."""
        return self.publisher.current("bundle", self._bundle_draft)

    def status_list(self, list_id: int, *, cbor: bool = False) -> Publication:
        """Return the signed copy of one list, JWT or CWT. Raises NotFound, Unavailable."""
        self.board.refresh()
        if list_id not in self.board.lists:
            raise NotFound("not_found")
        form = "cwt" if cbor else "jwt"
        return self.publisher.current(f"status-list/{list_id}.{form}", lambda: self._list_draft(list_id, cbor=cbor))

    def _list_draft(self, list_id: int, *, cbor: bool) -> Draft:
        self.board.refresh(force=True)
        held = self.board.lists[list_id]
        changes, entries = held.changes, bytes(held.entries)
        signer = self.keystore.signer(Role.STATUS)

        def sign(_sequence: int, _previous: bytes | None, issued_at: datetime) -> bytes:
            token = StatusListToken(
                uri=self.status_uri(list_id),
                issued_at=issued_at,
                expires_at=issued_at + LIFE,
                ttl_seconds=int(STATUS_TTL.total_seconds()),
                bits=BITS,
                entries=entries,
            )
            return sign_status_cwt(token, signer) if cbor else sign_status_jwt(token, signer).encode()

        return Draft(f"{changes}:{signer.kid}", LIFE, STATUS_TTL, sign)

    def _bundle_draft(self) -> Draft:
        self.board.refresh(force=True)
        own = self._known()
        lists = {list_id: self.status_list(list_id) for list_id in sorted(self.board.lists)}
        parts = [
            self.issuer_url,
            repr(own.issuer),
            repr(own.types),
            self.pin,
            *(copy.etag for copy in lists.values()),
        ]
        root = self.keystore.signer(Role.BUNDLE_ROOT)

        def sign(sequence: int, previous: bytes | None, issued_at: datetime) -> bytes:
            content = BundleContent(
                iss=self.issuer_url,
                issued_at=issued_at,
                expires_at=issued_at + LIFE,
                next_update=issued_at + NEXT_UPDATE,
                seq=sequence,
                prev=None if previous is None else bundle_digest(previous.decode()),
                issuers=(own.issuer,),
                status_lists=tuple(
                    StatusListEntry(self.status_uri(list_id), copy.token.decode()) for list_id, copy in lists.items()
                ),
                types=own.types,
            )
            return sign_bundle(content, root).encode()

        return Draft(sha256("\n".join(parts).encode()).hexdigest(), LIFE, NEXT_UPDATE / 2, sign)

    def _known(self) -> "_Known":
        """Return the keys that verifiers may know and the kinds of document, parsed once for each change of either."""
        known, basis = self._own, (self.catalogue.revision, self.keystore.epoch)
        if known is None or known.basis != basis:
            now, types = self.clock.now(), tuple(_types(self.catalogue.with_former))
            keys = tuple(_entry(key) for role in PUBLISHED_ROLES for key in self.keystore.keys(role) if _is_told(key))
            issuer = IssuerEntry(self.issuer_code, self.issuer_name, keys)
            known = _Known(basis, issuer, types, Trust.of([issuer], types, issued_at=now, expires_at=now + LIFE))
            self._own = known
        return known


@dataclass(frozen=True, slots=True)
class _Known:
    """What this issuer tells of itself, and the trust it makes. basis: what it was made of."""

    basis: _Basis
    issuer: IssuerEntry
    types: tuple[TypeEntry, ...]
    trust: Trust


def _is_told(key: Key) -> bool:
    """Return whether the world is told of a key: not while it is planned alone."""
    return key.record.state != State.PLANNED


def _types(plugins: Iterable[Plugin]) -> Iterator[TypeEntry]:
    for plugin in plugins:
        for kind in plugin.utility.documents:
            shown = tuple(
                ClaimEntry(claim.number, claim.name, plugin.label(claim.name), str(claim.kind))
                for claim in kind.claims
                if claim.kind is not Kind.RECORDS
            )
            yield TypeEntry(kind.code, kind.version, dict(kind.title), shown)


def _entry(key: Key) -> KeyEntry:
    record = key.record
    return KeyEntry(
        kid=record.kid,
        x5c=key.chain,
        not_before=datetime.fromtimestamp(record.not_before, UTC),
        not_after=datetime.fromtimestamp(record.not_after, UTC),
        utilities=(ANY_UTILITY,),
        roles=(record.role,),
        state=record.state,
    )
