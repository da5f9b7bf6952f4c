"""What this issuer tells the world to trust: its keys, its status lists, its types, as one signed bundle.

The same values, unsigned and fresher, are what the online check and issuing itself verify against.
Source: docs/wire.md, sections 4 and 5.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

from wallet.clock import Clock
from wallet.crypto.keyring import State
from wallet.crypto.keystore import OPTIONAL, Key, Keystore, Role
from wallet.crypto.making import CERTIFIED
from wallet.documents import revoked_signers
from wallet.documents.kept_types import KeptTypes
from wallet.documents.publishing import Draft, Publication, Publisher
from wallet.documents.retold import ENTITIES, Retold, name_twice
from wallet.documents.status import BITS, BoardList, StatusBoard, lists_address
from wallet.errors import Malformed, NotFound, Unavailable, VerificationFailed
from wallet.formats.claims_set import StatusReference
from wallet.formats.second_keys import BUNDLE_TWICE, STATUS_TWICE, SecondKey
from wallet.formats.status_list import (
    StatusListToken,
    compress,
    parse_status_cwt,
    parse_status_jwt,
    sign_status_cwt,
    sign_status_jwt,
    token_of,
    verify_status_list,
)
from wallet.formats.trust_bundle import (
    ANY_UTILITY,
    BundleContent,
    IssuerEntry,
    KeyEntry,
    StatusListEntry,
    TypeEntry,
    bundle_digest,
    parse_bundle,
    pin_of,
    sign_bundle,
)
from wallet.utilities.catalogue import Catalogue
from wallet.verifier import Trust

LIFE = timedelta(hours=72)
NEXT_UPDATE = timedelta(hours=24)
STATUS_TTL = timedelta(seconds=900)
BOARD_LIFE_SECONDS = 60
"""How long the board speaks for itself while the database is away; after that the online check cannot tell."""
_Basis = tuple[int, int, tuple[int, int]]
"""Of what the keys and types were made: the revisions of the catalogue, of what is kept, and of the keyring."""
BUNDLE = "bundle"
"""What the bundle is called among the publications."""
SIGNS_TWICE: Mapping[str, str] = {Role.SECOND_BUNDLE: BUNDLE_TWICE, Role.SECOND_STATUS: STATUS_TWICE}
"""What the bundle calls the roles of second keys."""
PUBLISHED_ROLES = (Role.DOCUMENT, Role.CARD, Role.LIVE, Role.STATUS, Role.SD_JWT, Role.MDOC)


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
    retold: Retold
    kept: KeptTypes
    clock: Clock
    _current: tuple[datetime, _Basis, Trust] | None = None
    _own: "_Known | None" = None
    _compressed: dict[int, tuple[int, bytes, bytes]] = field(default_factory=dict)

    def address(self, list_id: int) -> str:
        """Return the address that a list gets when it is opened."""
        return f"{lists_address(self.issuer_url)}{list_id}"

    def status_uri(self, list_id: int) -> str:
        """Return the name of a list (`sub`): the address it was opened at, also after the service has moved."""
        if list_id not in self.board.lists:
            self.board.refresh(force=True)
        held = self.board.lists.get(list_id)
        return self.address(list_id) if held is None else held.uri

    def has_moved(self) -> bool:
        """Return whether there are status lists, and none at this service's address. Raises Unavailable."""
        self.board.refresh()
        lists = self.board.lists
        return bool(lists) and all(held.uri != self.address(list_id) for list_id, held in lists.items())

    @property
    def pin(self) -> str:
        """Return what a verifier is given by another way, to know the bundle by."""
        return pin_of(self.keystore.signer(Role.BUNDLE_ROOT).certificate_der)

    @property
    def pins(self) -> list[str]:
        """Return the pin of the root that signs, and after it that of the next one once it is made."""
        told = (State.ACTIVE, State.PUBLISHED, State.PLANNED)
        roots = [key for key in self.keystore.keys(Role.BUNDLE_ROOT) if key.record.state in told]
        return [
            pin_of(key.signer.certificate_der) for key in sorted(roots, key=lambda key: told.index(key.record.state))
        ]

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

    def is_superseded(self, status: StatusReference) -> bool:
        """Return whether a newer document took the place of the one with this status, as the board has it."""
        held = self._held_at(status)
        return held is not None and held.is_superseded(status.idx)

    def is_locked(self, status: StatusReference) -> bool:
        """Return whether what has this status is suspended because an account is locked, as the board has it."""
        held = self._held_at(status)
        return held is not None and held.is_locked(status.idx)

    def _held_at(self, status: StatusReference) -> BoardList | None:
        held = next((each for each in self.board.lists.values() if each.uri == status.uri), None)
        return held if held is not None and 0 <= status.idx < 1 << held.bits_log2_size else None

    def bundle(self) -> Publication:
        """Return the trust bundle in force. Raises Unavailable."""
        return self.publisher.current(BUNDLE, self._bundle_looked_at)

    def status_list(self, list_id: int, *, cbor: bool = False) -> Publication:
        """Return the signed copy of one list, JWT or CWT. Raises NotFound, Unavailable."""
        name = _list_name(list_id, cbor=cbor)
        held = self.publisher.at_hand(name)
        if held is not None:
            return held
        try:
            self.board.refresh()
        except Unavailable:  # a process that started while the database is away
            return self.publisher.kept(name)
        if list_id not in self.board.lists:
            raise NotFound("not_found")

        def looked_at() -> Draft:
            self.board.refresh(force=True)
            return self._list_draft(list_id, cbor=cbor)

        return self.publisher.current(name, looked_at)

    def bundle_twice(self) -> Publication:
        """Return the bundle with its second signature. Raises NotFound("not_signed_twice"), Unavailable."""
        return self._twice(BUNDLE, self.bundle)

    def status_list_twice(self, list_id: int) -> Publication:
        """Return the JWT of a list with its second signature. Raises NotFound, Unavailable."""
        return self._twice(_list_name(list_id, cbor=False), lambda: self.status_list(list_id))

    def entities(self) -> Publication:
        """Return the keys of the bundle as a signed List of Trusted Entities. Raises Unavailable."""
        return self.publisher.current(ENTITIES, lambda: self.retold.entities(self.bundle(), self.clock.now()))

    def _twice(self, name: str, source: Callable[[], Publication]) -> Publication:
        self.retold.second_signer(name)  # while nobody signs twice, there is no such form
        copy = self.publisher.current(name_twice(name), lambda: self.retold.twice(source(), self.clock.now()))
        return self.retold.counting(copy)

    @property
    def roots(self) -> list[Key]:
        """Return the IACA roots that the world is told of and that are not revoked, oldest first."""
        return [key for key in self.keystore.keys(Role.IACA) if _is_told(key) and key.record.state != State.REVOKED]

    def revoked_signers(self, key_id: str) -> Publication:
        """Return the list of a root by the identifier of its key. Raises NotFound, Unavailable."""
        for root in self.roots:
            name = revoked_signers.list_name(root)
            if name == f"{revoked_signers.PREFIX}{key_id}.crl":
                return self.publisher.current(name, partial(self._signers_draft, root))
        raise NotFound("not_found")

    def _signers_draft(self, root: Key) -> Draft:
        return revoked_signers.draft_of(root, [key for role in CERTIFIED for key in self.keystore.keys(role)])

    def publish(self) -> bool:
        """Make every copy again that changed or grew old: the job of each process that serves. Raises Unavailable.

        Returns False: the next round comes with time. What is stored is looked at before the content, and the lists
        before the bundle that carries them (docs/decisions/0006). A signer that is away holds nothing else up: what it
        would have signed stays as it stands, and that it could not is said when all the rest is done.
        """
        heads = self.publisher.heads()
        self.board.refresh(force=True)
        self.kept.refresh()
        away: list[Unavailable] = []

        def renewed(name: str, draft: Callable[[], Draft]) -> Publication | None:
            try:
                return self.publisher.renew(name, heads.get(name), draft())
            except Unavailable as error:
                away.append(_unsigned(error))
                return self._standing(name)

        lists = {}
        for list_id in sorted(self.board.lists):
            for cbor in (True, False):
                name = _list_name(list_id, cbor=cbor)
                lists[list_id] = renewed(name, partial(self._list_draft, list_id, cbor=cbor))
        carried = {list_id: copy for list_id, copy in lists.items() if not self.board.lists[list_id].over}
        bundle, now = renewed(BUNDLE, lambda: self._bundle_draft(carried)), self.clock.now()
        for copy in (bundle, *lists.values()):
            if copy is not None and self.retold.is_signed_twice(copy.name):
                renewed(name_twice(copy.name), partial(self.retold.twice, copy, now))
        if bundle is not None:
            renewed(ENTITIES, partial(self.retold.entities, bundle, now))
        for root in self.roots:
            renewed(revoked_signers.list_name(root), partial(self._signers_draft, root))
        if away:
            raise away[0]
        return False

    def _standing(self, name: str) -> Publication | None:
        """Return the copy that is in force where none can be signed now, None when a revoked key signed it."""
        copy = self.publisher.standing(name)
        return None if copy is None or self.recognised(name, copy.token) is None else copy

    def recognised(self, name: str, token: bytes) -> Publication | None:
        """Return the copy that these bytes are, None when no key of ours that counts has signed them."""
        if name.startswith(revoked_signers.PREFIX):
            return revoked_signers.recognised(name, token, self.roots)
        try:
            other = self.retold.recognised(name, token, self.recognised)
            if other is not None:
                return other
            if name == BUNDLE:
                roots = self.keystore.keys(Role.BUNDLE_ROOT)
                content = parse_bundle(token.decode("ascii")).verify(
                    frozenset(pin_of(key.signer.certificate_der) for key in roots if key.record.state != State.REVOKED)
                )
                return Publication(name, content.seq, "", token, content.issued_at, content.expires_at)
            list_id = _number_of(name)
            copy = self._own_list(list_id, token, cbor=name == _list_name(list_id, cbor=True))
            return None if copy is None else Publication(name, 0, "", token, copy.issued_at, copy.expires_at)
        except (Malformed, VerificationFailed, UnicodeDecodeError):
            pass
        return None

    def list_name(self, list_id: int) -> str:
        """Return what the JWT of a list is called among the publications."""
        return _list_name(list_id, cbor=False)

    def own_list(self, list_id: int, token: bytes) -> StatusListToken | None:
        """Return what the JWT of a list says, None when no key of ours that counts has signed it."""
        try:
            return self._own_list(list_id, token, cbor=False)
        except (Malformed, VerificationFailed, UnicodeDecodeError):
            return None

    def _own_list(self, list_id: int, token: bytes, *, cbor: bool) -> StatusListToken | None:
        unverified = parse_status_cwt(token) if cbor else parse_status_jwt(token.decode("ascii"))
        for key in self._known().trust.keys.values():
            if (key.kid, key.role, key.revoked) != (unverified.kid, str(Role.STATUS), False) or not key.public_key:
                continue
            copy = token_of(verify_status_list(unverified, key.public_key))
            if copy.uri.rpartition("/")[2] == str(list_id):
                return copy
        return None

    def _list_draft(self, list_id: int, *, cbor: bool) -> Draft:
        """Return what a list's copy is made of, as the board has it."""
        held = self.board.lists[list_id]
        changes = held.changes
        signer = self.keystore.signer(Role.STATUS)

        def sign(_sequence: int, _previous: bytes | None, issued_at: datetime) -> bytes:
            entries, deflated = self._deflated(list_id, changes)
            token = StatusListToken(
                uri=held.uri,
                issued_at=issued_at,
                expires_at=issued_at + LIFE,
                ttl_seconds=int(STATUS_TTL.total_seconds()),
                bits=BITS,
                entries=entries,
            )
            if cbor:
                return sign_status_cwt(token, signer, deflated)
            return sign_status_jwt(token, signer, deflated).encode()

        return Draft(f"{changes}:{signer.kid}", LIFE, STATUS_TTL, sign)

    def _deflated(self, list_id: int, changes: int) -> tuple[bytes, bytes]:
        """Return a list's entries and the same deflated, which is most of what a copy costs: once for each change.

        They hold `changes` statuses, or more where the board moved on: then the next round makes the copy again.
        """
        known = self._compressed.get(list_id)
        if known is None or known[0] != changes:
            entries = bytes(self.board.lists[list_id].entries)
            known = self._compressed[list_id] = (changes, entries, compress(entries))
        return known[1:]

    def _bundle_looked_at(self) -> Draft:
        self.board.refresh(force=True)
        self.kept.refresh()
        carried = (list_id for list_id in sorted(self.board.lists) if not self.board.lists[list_id].over)
        return self._bundle_draft({list_id: self._list_or_standing(list_id) for list_id in carried})

    def _list_or_standing(self, list_id: int) -> Publication | None:
        try:
            return self.status_list(list_id)
        except Unavailable as error:
            _unsigned(error)
            return self._standing(_list_name(list_id, cbor=False))

    def _bundle_draft(self, found: Mapping[int, Publication | None]) -> Draft:
        """Return what the bundle is made of. found: the lists; one of which no copy counts is left out."""
        own, lists = self._known(), {list_id: copy for list_id, copy in found.items() if copy is not None}
        parts = [
            self.issuer_url,
            repr(own.issuer),
            repr(own.types),
            repr(own.second_keys),
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
                second_keys=own.second_keys,
            )
            return sign_bundle(content, root).encode()

        return Draft(sha256("\n".join(parts).encode()).hexdigest(), LIFE, NEXT_UPDATE / 2, sign)

    def _known(self) -> "_Known":
        """Return the keys that verifiers may know and the kinds of document, parsed once for each change of either."""
        known, basis = self._own, (self.catalogue.revision, self.kept.revision, self.keystore.epoch)
        if known is None or known.basis != basis:
            now, types = self.clock.now(), self.kept.entries(self.catalogue.with_former)
            keys = tuple(_entry(key) for role in PUBLISHED_ROLES for key in self.keystore.keys(role) if _is_told(key))
            issuer = IssuerEntry(self.issuer_code, self.issuer_name, keys)
            second = tuple(_second_key(key) for role in OPTIONAL for key in self.keystore.keys(role) if _is_told(key))
            known = _Known(
                basis, issuer, types, second, Trust.of([issuer], types, issued_at=now, expires_at=now + LIFE)
            )
            self._own = known
        return known


def _list_name(list_id: int, *, cbor: bool) -> str:
    return f"status-list/{list_id}.{'cwt' if cbor else 'jwt'}"


def _unsigned(error: Unavailable) -> Unavailable:
    """Return why a signer did not sign. Raises the error where it is the database that is away."""
    if error.code != "signing_unavailable":
        raise error
    return error


def _number_of(name: str) -> int:
    """Return the list that a publication is of. Raises Malformed."""
    number = name.removeprefix("status-list/").partition(".")[0]
    if not number.isdecimal():
        raise Malformed("no list")
    return int(number)


@dataclass(frozen=True, slots=True)
class _Known:
    """What this issuer tells of itself, and the trust it makes. basis: what it was made of."""

    basis: _Basis
    issuer: IssuerEntry
    types: tuple[TypeEntry, ...]
    second_keys: tuple[SecondKey, ...]
    trust: Trust


def _is_told(key: Key) -> bool:
    """Return whether the world is told of a key: not while it is planned alone."""
    return key.record.state != State.PLANNED


def _second_key(key: Key) -> SecondKey:
    record = key.record
    return SecondKey(
        pin=pin_of(key.signer.certificate_der),
        alg=record.alg,
        not_before=record.not_before,
        not_after=record.not_after,
        role=SIGNS_TWICE[record.role],
        state=record.state,
    )


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
