"""Ceremonies over HTTP: activation, a new phone, a forgotten secret. No step but the approvals needs a session.

Every step carries `proof`, the device proof of the device that began, over a fresh challenge.
"""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.ceremonies.approving import Decision, Vouching
from wallet.ceremonies.ceremonies import Asked, AskingDevice, CeremonyView
from wallet.ceremonies.chips import GROUPS, ChipReading
from wallet.ceremonies.completing import Supplied
from wallet.ceremonies.kinds import KINDS, CeremonyKind, Factor
from wallet.errors import InvalidInput
from wallet.identity.questions import LONGEST, QUESTIONS, Answer
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.texts.catalogue import both
from wallet.web.addresses import client_block
from wallet.web.answers import NO_STORE, PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, MAX_HEADER_CHARACTERS, current_actor
from wallet.web.context import current_wallet, request_id
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import LEGAL_REF, NAME, Moment, PublicKeySchema, StrictSchema, ValueCodeSchema
from wallet.wiring import Work

routes = Routes("ceremonies", __name__, url_prefix="/v1", description="Activation, a new phone, a forgotten secret")
OWN_DEVICE: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.FOUR, "max_age": FRESH}
_BEGUN_HERE = [str(kind) for kind in CeremonyKind if kind is not CeremonyKind.PHONE_CHANGE]
_FACTORS = [str(factor) for factor in Factor]


class StepSchema(StrictSchema):
    """A step that brings nothing but the proof of the asking device."""

    proof = fields.String(
        required=True,
        validate=validate.Length(1, MAX_HEADER_CHARACTERS),
        metadata={"description": "Compact JWS of the type viso-device-proof+jwt, by the device that began"},
    )


class CeremonyOrderSchema(StepSchema):
    """What is asked for, for which number, by which device. `phone`: the one on record; activation needs it."""

    kind = fields.String(required=True, validate=validate.OneOf(_BEGUN_HERE))
    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{12}\Z"))
    phone = fields.String(validate=validate.Length(1, 16))
    device_id = fields.String(required=True, validate=validate.Regexp(r"^dev_[A-Za-z0-9_-]{1,60}\Z"))
    device_name = fields.String(required=True, validate=validate.Regexp(NAME))
    public_key = fields.Nested(PublicKeySchema, required=True)
    biometric_key = fields.Nested(PublicKeySchema)


class CeremonySchema(StrictSchema):
    """Where a ceremony stands. One of the sets in `sufficient` has to be proven whole.

    `comparison`: two digits that the new phone shows, to be typed on the old one. `questions`: which two were chosen.
    `codes`: words for these, or for all that the completion can choose from.
    """

    id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"x-extensible-enum": [str(kind) for kind in CeremonyKind]})
    state = fields.String(required=True, metadata={"x-extensible-enum": ["open", "completed", "ended"]})
    end_reason = fields.String()
    expires_at = Moment(required=True)
    comparison = fields.String(required=True)
    sufficient = fields.List(
        fields.List(fields.String(metadata={"x-extensible-enum": _FACTORS}), required=True), required=True
    )
    factors = fields.List(fields.String(metadata={"x-extensible-enum": _FACTORS}), required=True)
    questions = fields.List(fields.String())
    codes = fields.List(fields.Nested(ValueCodeSchema))


class CodeSentSchema(StrictSchema):
    """When another code can be asked for, and until when this one is taken."""

    resend_after_seconds = fields.Integer(required=True)
    expires_at = Moment(required=True)


class CodeConfirmationSchema(StepSchema):
    code = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{6}\Z"))


class ChipChallengeSchema(StrictSchema):
    """What the chip has to sign: the first eight bytes of SHA-256 of this text."""

    challenge = fields.String(required=True)
    expires_at = Moment(required=True)


class DataGroupsSchema(StrictSchema):
    """The files of the chip, base64url."""

    dg1 = fields.String(required=True, validate=validate.Length(1, 16_384))
    dg13 = fields.String(required=True, validate=validate.Length(1, 16_384))
    dg15 = fields.String(required=True, validate=validate.Length(1, 16_384))


class ChipProofSchema(StepSchema):
    """What a card reader handed over."""

    challenge = fields.String(required=True, validate=validate.Length(1, 256))
    security_object = fields.String(required=True, validate=validate.Length(1, 16_384))
    data_groups = fields.Nested(DataGroupsSchema, required=True)
    signature = fields.String(required=True, validate=validate.Length(1, 512))


class AnswerSchema(StrictSchema):
    """One security question and its answer. Case, spaces and the spelling of marks do not matter."""

    question = fields.String(required=True, validate=validate.OneOf(QUESTIONS))
    answer = fields.String(required=True, validate=validate.Length(1, LONGEST))


class AnswersSchema(StepSchema):
    answers = fields.List(fields.Nested(AnswerSchema), required=True, validate=validate.Length(equal=2))


class CompletionSchema(StepSchema):
    """What a kind needs at its end: activation all three, a reset the new secret, a binding nothing."""

    password = fields.String(validate=validate.Length(1, 128))
    passcode = fields.String(validate=validate.Length(1, 64))
    questions = fields.List(fields.Nested(AnswerSchema), validate=validate.Length(equal=2))


class PhoneChangeSchema(StrictSchema):
    """The new phone number, in one's own name."""

    phone = fields.String(required=True, validate=validate.Length(1, 16))


class BindingRequestSchema(StrictSchema):
    """A phone that wants to take this one's place. The two digits to compare are on that phone."""

    id = fields.String(required=True)
    device_name = fields.String(required=True)
    place = fields.String(required=True)
    asked_at = Moment(required=True)
    expires_at = Moment(required=True)
    factors = fields.List(fields.String(metadata={"x-extensible-enum": _FACTORS}), required=True)


class BindingRequestPageSchema(StrictSchema):
    data = fields.List(fields.Nested(BindingRequestSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class BindingDecisionSchema(StrictSchema):
    """Approve or refuse. `comparison`: the two digits on the new phone; a refusal needs no right ones."""

    decision = fields.String(required=True, validate=validate.OneOf([str(each) for each in Decision]))
    comparison = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{2}\Z"))


class VouchingSchema(StrictSchema):
    """What an officer attests, having compared the person with the card and the card with this number."""

    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{12}\Z"))
    card_serial = fields.String(required=True, validate=validate.Regexp(r"^[A-Z0-9]{6,20}\Z"))
    checked = fields.List(
        fields.String(validate=validate.OneOf(["card", "face"])), required=True, validate=validate.Length(equal=2)
    )
    legal_ref = fields.String(
        required=True,
        validate=LEGAL_REF,
        metadata={"description": "The record of the procedure at the desk; no name and no number of a person"},
    )


@operation(routes, "POST", "/ceremonies")
@routes.arguments(CeremonyOrderSchema)
@routes.response(201, CeremonySchema)
def begin_ceremony(order: dict[str, Any]) -> Response:
    """Begin. A number that nobody has gets the same answer as any other, and never gets further."""
    device = AskingDevice(order["device_id"], order["device_name"], order["public_key"], order.get("biometric_key"))
    asked = Asked(CeremonyKind(order["kind"]), order["number"], device, order.get("phone"), client_block())
    begun = current_wallet().conducting.begin(asked, order["proof"], client_block(), request_id())
    return answer(CeremonySchema(), _told(begun), 201, cache=NO_STORE)


@operation(routes, "POST", "/ceremonies/<ceremony_id>/status")
@routes.arguments(StepSchema)
@routes.response(200, CeremonySchema)
def read_ceremony(step: dict[str, str], ceremony_id: str) -> Response:
    """Ask where a ceremony stands: what was proven, and whether the old phone has answered."""
    return answer(
        CeremonySchema(), _told(current_wallet().conducting.status(ceremony_id, step["proof"])), cache=NO_STORE
    )


@operation(routes, "POST", "/ceremonies/<ceremony_id>/codes")
@routes.arguments(StepSchema)
@routes.response(202, CodeSentSchema)
def send_code(step: dict[str, str], ceremony_id: str) -> Response:
    """Have a one-time code sent by SMS. The former one stops counting.

    Only the activation begins with it: elsewhere the card or the bound device comes first (403).
    """
    sent = current_wallet().conducting.send_code(ceremony_id, step["proof"])
    return answer(CodeSentSchema(), sent, 202, cache=NO_STORE)


@operation(routes, "POST", "/ceremonies/<ceremony_id>/code-confirmations")
@routes.arguments(CodeConfirmationSchema)
@routes.response(200, CeremonySchema)
def confirm_code(step: dict[str, str], ceremony_id: str) -> Response:
    """Confirm the code. It counts once, for three minutes, on the device that asked for it."""
    conducting = current_wallet().conducting
    proven = conducting.confirm_code(ceremony_id, step["proof"], step["code"], request_id())
    return answer(CeremonySchema(), _told(proven), cache=NO_STORE)


@operation(routes, "POST", "/ceremonies/<ceremony_id>/chip-challenges")
@routes.arguments(StepSchema)
@routes.response(201, ChipChallengeSchema)
def create_chip_challenge(step: dict[str, str], ceremony_id: str) -> Response:
    """Get something for the chip of the card to sign."""
    challenge = current_wallet().conducting.challenge_chip(ceremony_id, step["proof"])
    body = {"challenge": challenge.value, "expires_at": challenge.expires_at}
    return answer(ChipChallengeSchema(), body, 201, cache=NO_STORE)


@operation(routes, "POST", "/ceremonies/<ceremony_id>/chip-proofs")
@routes.arguments(ChipProofSchema)
@routes.response(200, CeremonySchema)
def prove_chip(step: dict[str, Any], ceremony_id: str) -> Response:
    """Prove that the holder's own card lies on the phone."""
    groups = {name: step["data_groups"][name] for name in GROUPS}
    reading = ChipReading(step["security_object"], groups, step["signature"])
    conducting = current_wallet().conducting
    proven = conducting.prove_chip(ceremony_id, step["proof"], step["challenge"], reading, request_id())
    return answer(CeremonySchema(), _told(proven), cache=NO_STORE)


@operation(routes, "POST", "/ceremonies/<ceremony_id>/answers")
@routes.arguments(AnswersSchema)
@routes.response(200, CeremonySchema)
def answer_questions(step: dict[str, Any], ceremony_id: str) -> Response:
    """Answer both security questions. Only the bound device is asked, five times at most."""
    answers = _answers(step["answers"])
    proven = current_wallet().conducting.answer(ceremony_id, step["proof"], answers, request_id())
    return answer(CeremonySchema(), _told(proven), cache=NO_STORE)


@operation(routes, "POST", "/ceremonies/<ceremony_id>/completion")
@routes.arguments(CompletionSchema)
@routes.response(200, CeremonySchema)
def complete_ceremony(step: dict[str, Any], ceremony_id: str) -> Response:
    """Complete the ceremony, once enough was proven."""
    questions = _answers(step["questions"]) if "questions" in step else None
    supplied = Supplied(step.get("password"), step.get("passcode"), questions)
    done = current_wallet().conducting.complete(ceremony_id, step["proof"], supplied, request_id())
    return answer(CeremonySchema(), _told(done), cache=NO_STORE)


@operation(routes, "POST", "/me/phone-changes", **OWN_DEVICE, cooling_off=True)
@routes.arguments(PhoneChangeSchema)
@routes.response(201, CeremonySchema)
@once
def begin_phone_change(work: Work, order: dict[str, str]) -> Response:
    """Begin to change one's phone number. The code goes to the new phone."""
    ceremonies = work.ceremonies.ceremonies
    row = ceremonies.begin_phone_change(current_actor(), order["phone"], client_block())
    return answer(CeremonySchema(), _told(ceremonies.view(row)), 201, cache=NO_STORE)


@operation(routes, "GET", "/me/binding-requests", account_level=AccountLevel.ONE, auth_level=AuthLevel.ONE)
@routes.arguments(PageQuery, location="query")
@routes.response(200, BindingRequestPageSchema)
def list_binding_requests(query: dict[str, Any]) -> Response:
    """List the phones that wait for approval from this one, newest first."""
    actor = current_actor()
    purpose = f"binding-requests:{actor.account_id}"
    with current_wallet().read() as work:
        place = place_of(query["cursor"], purpose)
        rows, following = work.ceremonies.approving.waiting(actor.account_id, query["limit"], place)
    return page_answer(BindingRequestSchema(), rows, following, purpose, query["limit"])


@operation(routes, "POST", "/me/binding-requests/<ceremony_id>/decision", **OWN_DEVICE)
@routes.arguments(BindingDecisionSchema)
@routes.response(200, BindingRequestSchema)
def decide_binding_request(order: dict[str, str], ceremony_id: str) -> Response:
    """Approve a new phone, with the two digits that it shows, or refuse it."""
    with current_wallet().work() as work:
        decided = work.ceremonies.approving.decide(
            ceremony_id, Decision(order["decision"]), order["comparison"], current_actor()
        )
    if decided is None:
        raise InvalidInput({"/comparison": "comparison_wrong"})
    return answer(BindingRequestSchema(), decided)


@operation(
    routes,
    "DELETE",
    "/me/binding-requests/<ceremony_id>",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.ONE,
    device=True,
)
@routes.response(204)
def refuse_binding_request(ceremony_id: str) -> Response:
    """Refuse a phone that one knows nothing of: no digits, no step-up. It asks no further."""
    with current_wallet().work() as work:
        work.ceremonies.approving.decide(ceremony_id, Decision.REFUSE, "", current_actor())
    return Response(status=204, headers={"Cache-Control": NO_STORE})


@operation(
    routes,
    "POST",
    "/desk/ceremonies/<ceremony_id>/vouching",
    account_level=AccountLevel.TWO,
    auth_level=AuthLevel.TWO,
    role=StaffRole.OFFICER,
    max_age=FRESH,
)
@routes.arguments(VouchingSchema)
@routes.response(201, CeremonySchema)
@once
def vouch_for_holder(work: Work, order: dict[str, Any], ceremony_id: str) -> Response:
    """Vouch for a citizen at the desk: the face is that of the card, and the card is theirs."""
    if set(order["checked"]) != {"card", "face"}:
        raise InvalidInput({"/checked": "both_checks"})
    vouching = Vouching(order["number"], order["card_serial"], order["legal_ref"])
    vouched = work.ceremonies.approving.vouch(ceremony_id, vouching, current_actor())
    return answer(CeremonySchema(), _told(vouched), 201)


def _told(view: CeremonyView) -> dict[str, Any]:
    """Return a ceremony with the words for its security questions: those that it asks, else those it lets choose."""
    chosen = QUESTIONS if "questions" in KINDS[view.kind].supplies else ()
    codes = [{"name": "questions", "code": code, "label": both("questions", code)} for code in view.questions or chosen]
    return {name: getattr(view, name) for name in view.__slots__} | {"codes": codes or None}


def _answers(given: list[dict[str, str]]) -> tuple[Answer, ...]:
    return tuple(Answer(each["question"], each["answer"]) for each in given)
