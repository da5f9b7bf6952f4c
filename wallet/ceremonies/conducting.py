"""Conducting a ceremony: the proof that comes with every step, and the order of transactions around it.

No step needs a session. Each is signed by the key of the device that began, over a fresh challenge, so a ceremony's id
alone is worth nothing. The challenge is used up before the step is looked at, whatever comes of that: a proof is never
shown twice. A hash is computed between two transactions, never in one; a refusal that has to be remembered is committed
first and raised afterwards.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from wallet.ceremonies.card_factor import judge
from wallet.ceremonies.ceremonies import Asked, AskingDevice, CeremonyView, actor_of
from wallet.ceremonies.chips import CardChips, ChipReading
from wallet.ceremonies.codes import CodeSent
from wallet.ceremonies.completing import Supplied, SuppliedHashes
from wallet.ceremonies.kinds import CeremonyKind, Factor
from wallet.ceremonies.models import CeremonyRow
from wallet.ceremonies.services import CeremonyServices
from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, Malformed, NotAuthenticated, Unavailable
from wallet.identity.challenges import Challenge, Challenges, Purpose
from wallet.identity.compact_jws import public_jwk
from wallet.identity.contacts import Contacts
from wallet.identity.devices import DeviceProofs, Devices, UnverifiedProof
from wallet.identity.limits import Limits
from wallet.identity.passwords import Hasher, Knowledge
from wallet.identity.questions import Answer, SecurityQuestions

WRONG_ANSWERS = 5
ANSWERS_A_DAY = 10
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PER_BLOCK = 60


class CeremonyWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def ceremonies(self) -> CeremonyServices: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def contacts(self) -> Contacts: ...

    @property
    def questions(self) -> SecurityQuestions: ...

    @property
    def limits(self) -> Limits: ...


Transaction = Callable[[], AbstractContextManager[CeremonyWork]]
Tries = Callable[[], Iterable[AbstractContextManager[CeremonyWork]]]
"""Transactions for one act, see `Wallet.tries`."""


@dataclass(frozen=True, slots=True)
class Conducting:
    """Built once per process. write: one transaction; read: committed data. chips: None where none can be read."""

    tries: Tries
    write: Transaction
    read: Transaction
    clock: Clock
    hasher: Hasher
    proofs: DeviceProofs
    challenges: Challenges
    chips: CardChips | None

    def begin(self, asked: Asked, proof_text: str, block: str, request_id: str) -> CeremonyView:
        """Begin a ceremony, for a number that exists or for one that does not.

        block: of addresses, whose ceremonies are counted: each can have codes sent to somebody else's phone.
        Raises NotAuthenticated("invalid_device_proof") unless the asking device signed with the key that it names,
        InvalidInput, Conflict("device_taken"), TooManyAttempts("too_many_attempts").
        """
        device = _checked(asked.device)
        proof = self.proofs.parse(proof_text, self.clock.now())
        if proof.device_id != device.id:
            raise NotAuthenticated("invalid_device_proof")
        self.proofs.verify(proof, device.public_key)
        asked = Asked(asked.kind, asked.number, device, asked.phone, asked.place)
        self._use_up(proof)
        for trying in self.tries():
            with trying as work:
                work.limits.count("ceremony-address", block, PER_BLOCK, HOUR)
                services = work.ceremonies.ceremonies
                view = services.view(services.begin(asked, request_id))
        return view

    def status(self, ceremony_id: str, proof_text: str) -> CeremonyView:
        """Return where a ceremony stands, also when it is over. Raises NotFound("not_found"), NotAuthenticated."""
        self._prove(ceremony_id, proof_text)
        with self.write() as work:
            return work.ceremonies.ceremonies.view(work.ceremonies.ceremonies.load(ceremony_id))

    def send_code(self, ceremony_id: str, proof_text: str) -> CodeSent:
        """Send a one-time code, once another factor is proven where one is asked for besides (S-11).

        Raises NotAllowed("stronger_factor_required"), TooManyAttempts("too_many_codes"), NotFound, NotAuthenticated,
        Conflict.
        """
        self._prove(ceremony_id, proof_text)
        with self.write() as work:
            row = _admitted(work, ceremony_id, Factor.OTP)
            phone, language = _phone(work, row)
            return work.ceremonies.codes.send(row, phone, language)

    def confirm_code(self, ceremony_id: str, proof_text: str, code: str, request_id: str) -> CeremonyView:
        """Confirm a one-time code. Every failure is NotAuthenticated("otp_invalid"): used, over, another ceremony's,
        another device's, one try too many. Raises NotFound("not_found"), NotAuthenticated("invalid_device_proof")."""
        self._prove(ceremony_id, proof_text, other_device="otp_invalid")
        with self.write() as work:
            services = work.ceremonies
            row = services.ceremonies.load(ceremony_id)
            right = services.ceremonies.is_running(row) and services.codes.confirm(row, code)
            right = right and services.ceremonies.prove(row, Factor.OTP, actor_of(row, request_id))
            view = services.ceremonies.view(row)
        if not right:
            raise NotAuthenticated("otp_invalid")
        return view

    def challenge_chip(self, ceremony_id: str, proof_text: str) -> Challenge:
        """Return what a card's chip has to sign. Raises NotFound, NotAuthenticated, Conflict."""
        self._prove(ceremony_id, proof_text)
        with self.write() as work:
            row = _admitted(work, ceremony_id, Factor.CHIP)
            return self.challenges.mint(row.id, self.clock.now(), Purpose.CHIP)

    def prove_chip(
        self, ceremony_id: str, proof_text: str, challenge: str, reading: ChipReading, request_id: str
    ) -> CeremonyView:
        """Prove the holder's card. Whatever is wrong with it is NotAuthenticated("chip_invalid").

        Raises NotFound("not_found"), NotAuthenticated("invalid_device_proof"), Conflict, Unavailable.
        """
        self._prove(ceremony_id, proof_text)
        if self.chips is None:
            raise Conflict("factor_not_useful")
        judged = judge(reading, challenge, ceremony_id, self.chips, self.challenges, self.clock)
        for trying in self.tries():
            with trying as work:
                row = _admitted(work, ceremony_id, Factor.CHIP)
                right = work.ceremonies.card_factor.prove(row, judged, actor_of(row, request_id))
                view = work.ceremonies.ceremonies.view(row)
        if not right:
            raise NotAuthenticated("chip_invalid")
        return view

    def answer(self, ceremony_id: str, proof_text: str, answers: Sequence[Answer], request_id: str) -> CeremonyView:
        """Answer the security questions. Five tries a ceremony, ten a day; each counts before it is evaluated.

        Raises NotAuthenticated("answers_invalid"), TooManyAttempts("too_many_attempts"), NotFound, Conflict,
        Unavailable("busy").
        """
        self._prove(ceremony_id, proof_text)
        with self.write() as work:
            row = _admitted(work, ceremony_id, Factor.QUESTIONS)
            tried = _reserved_try(work, row)
        right = self._are_right(ceremony_id, answers, tried)
        with self.write() as work:
            services = work.ceremonies.ceremonies
            row = services.load(ceremony_id)
            right = right and services.is_running(row)
            right = right and services.prove(row, Factor.QUESTIONS, actor_of(row, request_id))
            view = services.view(row)
        if not right:
            raise NotAuthenticated("answers_invalid")
        return view

    def complete(self, ceremony_id: str, proof_text: str, supplied: Supplied, request_id: str) -> CeremonyView:
        """Complete a ceremony. Raises NotAllowed("stronger_factor_required") while no sufficient set was proven whole,
        InvalidInput for what was supplied, Conflict("ceremony_over"), NotFound, NotAuthenticated, Unavailable("busy").
        """
        self._prove(ceremony_id, proof_text)
        with self.read() as work:
            work.ceremonies.completing.check(ceremony_id, supplied)
        hashes = self._hashes(supplied)
        for trying in self.tries():
            with trying as work:
                row = work.ceremonies.ceremonies.running(ceremony_id)
                view = work.ceremonies.completing.complete(row, hashes, actor_of(row, request_id))
        return view

    def _prove(self, ceremony_id: str, proof_text: str, other_device: str = "invalid_device_proof") -> None:
        """Return if the device that began has signed, and use its challenge up. No lock on the ceremony is taken."""
        proof = self.proofs.parse(proof_text, self.clock.now())
        with self.read() as work:
            device_id, public_key = work.ceremonies.ceremonies.key_of(ceremony_id)
        if proof.device_id != device_id:
            raise NotAuthenticated(other_device)
        self.proofs.verify(proof, public_key)
        self._use_up(proof)

    def _use_up(self, proof: UnverifiedProof) -> None:
        with self.write() as work:
            work.devices.use_challenge(proof.challenge)

    def _are_right(self, ceremony_id: str, answers: Sequence[Answer], tried: "_Try") -> bool:
        kept = tried.kept
        try:
            # Each is evaluated, also after a wrong one: the time tells nobody which.
            matches = [
                self.hasher.matches(Knowledge.ANSWER, each.normalised, kept.get(each.question)) for each in answers
            ]
        except Unavailable:
            if tried.account_id is not None:
                # Nothing was learnt from this try, so it counts neither here nor for the day.
                with self.write() as work:
                    row = work.ceremonies.ceremonies.load(ceremony_id)
                    row.tries = max(0, row.tries - 1)
                    work.limits.give_back("answers", tried.account_id)
            raise
        return all(matches) and {each.question for each in answers} == set(kept)

    def _hashes(self, supplied: Supplied) -> SuppliedHashes:
        def hashed(kind: Knowledge, secret: str | None) -> str:
            return "" if secret is None else self.hasher.hash(kind, secret)

        return SuppliedHashes(
            password=hashed(Knowledge.PASSWORD, supplied.password),
            passcode=hashed(Knowledge.PASSCODE, supplied.passcode),
            answers={each.question: hashed(Knowledge.ANSWER, each.normalised) for each in supplied.questions or ()},
        )


def _admitted(work: CeremonyWork, ceremony_id: str, factor: Factor) -> CeremonyRow:
    """Return a ceremony that this factor can bring forward, locked. Raises Conflict, NotAllowed, NotFound."""
    services = work.ceremonies.ceremonies
    row = services.running(ceremony_id)
    services.demand(row, factor)
    return row


def _phone(work: CeremonyWork, row: CeremonyRow) -> tuple[str | None, str]:
    """Return where a code is sent to: the phone on record, or the new one where the phone changes."""
    if row.account_id is None:
        return None, "vi"
    recipient = work.contacts.recipient(row.account_id)
    if row.kind == CeremonyKind.PHONE_CHANGE:
        return work.ceremonies.ceremonies.kept(row)["phone"], recipient.language
    return recipient.phone, recipient.language


@dataclass(frozen=True, slots=True)
class _Try:
    """A try at the questions. kept: what to compare with. account_id: whose it was counted for, None for nobody's."""

    kept: dict[str, str] = field(default_factory=dict, repr=False)
    account_id: str | None = None


def _reserved_try(work: CeremonyWork, row: CeremonyRow) -> _Try:
    """Count a try as wrong before it is known to be; once they are used up there is nothing to compare with."""
    if row.account_id is None or row.tries >= WRONG_ANSWERS:
        return _Try()
    work.limits.count("answers", row.account_id, ANSWERS_A_DAY, DAY)
    row.tries += 1
    return _Try(work.questions.kept(row.account_id), row.account_id)


def _checked(device: AskingDevice) -> AskingDevice:
    """Return the device with its keys as they are kept. The second key is another than the first: it proves more."""
    keys = {}
    for name, given in (("public_key", device.public_key), ("biometric_key", device.biometric_key)):
        try:
            keys[name] = None if given is None else public_jwk(given)
        except Malformed as error:
            raise InvalidInput({f"/{name}": "invalid_public_key"}) from error
    public, biometric = keys["public_key"], keys["biometric_key"]
    if public is None or biometric == public:
        raise InvalidInput({"/biometric_key": "invalid_public_key"})
    return AskingDevice(device.id, device.name, public, biometric)
