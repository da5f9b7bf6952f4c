"""What goes into and comes out of the operations on launches."""

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from wallet.launching.audience import MOST_TESTERS, WHOLE, Audience
from wallet.launching.judging import Rule
from wallet.launching.orders import LaunchOrder
from wallet.launching.rollout import EXPLAIN_PURPOSES
from wallet.launching.states import LaunchState
from wallet.launching.stop_rule import LEAST, StopRule
from wallet.web.schemas import Both, Moment, StrictSchema

_MOMENT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
STATES = [str(state) for state in LaunchState]
LINE = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+\Z"


class Instant(Moment):
    """A moment that comes in: RFC 3339 with its offset, of this century; there is no other than an aware one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError("invalid_type")
        if not _MOMENT.fullmatch(value):
            raise ValidationError("invalid_format")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError as error:
            raise ValidationError("invalid_format") from error


class Percent(fields.Field[int]):
    """A percentage in steps of a tenth, as a number; inside it is tenths of a percent."""

    def __init__(self, **options: Any) -> None:
        described = {"minimum": 0, "maximum": 100, "description": "In steps of 0.1"}
        super().__init__(**options, metadata=described)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValidationError("invalid_type")
        if not 0 <= value <= 100 or round(value * 10) != round(value * 10, 6):
            raise ValidationError("out_of_range")
        return round(value * 10)

    def _serialize(self, value: float | None, attr: str | None, obj: Any, **kwargs: Any) -> float | None:
        return value


class PauseTextSchema(StrictSchema):
    """What citizens read while a utility is paused, in both languages."""

    vi = fields.String(required=True, validate=[validate.Length(3, 300), validate.Regexp(LINE)])
    en = fields.String(required=True, validate=[validate.Length(3, 300), validate.Regexp(LINE)])


class StopRuleSchema(StrictSchema):
    """When it pauses by itself: more than `failed_percent` of the people who asked within `minutes` met an error.

    At 100, where it stands until somebody sets it, it never does. `least`: how many have to have asked.
    """

    failed_percent = Percent(required=True, attribute="over")
    minutes = fields.Integer(load_default=10, strict=True, validate=validate.Range(1, 1440))
    least = fields.Integer(load_default=LEAST, strict=True, validate=validate.Range(5, 100_000))


class AudienceOrderSchema(StrictSchema):
    """Whom a sandbox or a pilot is for: the parts that are given all have to hold. Testers are in besides provinces
    and percent."""

    provinces = fields.List(
        fields.String(validate=validate.Regexp(r"^[0-9]{2}\Z")), load_default=list, validate=validate.Length(1, 40)
    )
    percent = Percent(load_default=lambda: None)
    testers = fields.List(
        fields.String(validate=validate.Length(1, 64)), load_default=list, validate=validate.Length(1, MOST_TESTERS)
    )
    from_at = Instant(load_default=lambda: None, data_key="from")
    until_at = Instant(load_default=lambda: None, data_key="until")
    minimum_app_version = fields.String(
        load_default=lambda: None, validate=validate.Regexp(r"^[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}\Z")
    )


class LaunchPlanSchema(StrictSchema):
    """The state a utility is to have. `audience` is given whole; without it, the one in force is kept."""

    state = fields.String(required=True, validate=validate.OneOf(STATES))
    audience = fields.Nested(AudienceOrderSchema, load_default=lambda: None)
    effective_at = Instant(load_default=lambda: None)


class LaunchChangeSchema(LaunchPlanSchema):
    """The state a utility is to have, and why. `emergency`: do not wait for a second admin; all others are told."""

    reason = fields.String(required=True, validate=validate.Length(3, 500))
    pause_text = fields.Nested(PauseTextSchema, load_default=lambda: None)
    stop_rule = fields.Nested(StopRuleSchema, load_default=lambda: None)
    comment = fields.String(load_default="", validate=validate.Length(0, 500))
    emergency = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class PauseOrderSchema(StrictSchema):
    """Why everything new, and every document of what was asked before, stops now.

    `pause_text`: for citizens, instead of what was written beforehand.
    """

    reason = fields.String(required=True, validate=validate.Length(3, 500))
    pause_text = fields.Nested(PauseTextSchema, load_default=lambda: None)


class AudienceSchema(StrictSchema):
    """Whom a sandbox or a pilot is for."""

    provinces = fields.List(fields.String())
    percent = Percent()
    testers = fields.List(fields.String())
    from_at = Moment(data_key="from")
    until_at = Moment(data_key="until")
    minimum_app_version = fields.String()


class PlanSchema(StrictSchema):
    """A state with its audience."""

    state = fields.String(required=True, metadata={"x-extensible-enum": STATES})
    audience = fields.Nested(AudienceSchema)


class ScheduledSchema(PlanSchema):
    """A change to come. `agreed_by`: the second admin, where one was needed."""

    id = fields.String(required=True)
    effective_at = Moment(required=True)
    reason = fields.String(required=True)
    requested_by = fields.String(required=True)
    agreed_by = fields.String()


class LaunchSchema(PlanSchema):
    """The state of a utility. `awaiting_approval`: the change that waits for a second admin."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    reason = fields.String()
    changed_by = fields.String()
    changed_at = Moment()
    pause_text = Both()
    stop_rule = fields.Nested(StopRuleSchema)
    schedule = fields.List(fields.Nested(ScheduledSchema))
    awaiting_approval = fields.String()


class LaunchesSchema(StrictSchema):
    data = fields.List(fields.Nested(LaunchSchema), required=True)


class ApprovalSchema(StrictSchema):
    """A change that is not in force until a second admin agrees: what is in force, and what would be.

    takes_back: the scheduled change that would not happen; `before` and `after` are then of `effective_at`, from when
    the utility would be wider without it, and `reason` is that change's.
    """

    id = fields.String(required=True)
    status = fields.String(required=True, metadata={"x-extensible-enum": ["awaiting_approval"]})
    utility = fields.String(required=True)
    target = fields.String(required=True)
    before = fields.Nested(PlanSchema, required=True)
    after = fields.Nested(PlanSchema, required=True)
    pause_text = Both()
    stop_rule = fields.Nested(StopRuleSchema)
    effective_at = Moment()
    takes_back = fields.String()
    reason = fields.String(required=True)
    comment = fields.String()
    requested_by = fields.String(required=True)
    requested_at = Moment(required=True)
    expires_at = Moment(required=True)


class ApprovalsSchema(StrictSchema):
    data = fields.List(fields.Nested(ApprovalSchema), required=True)


class DecisionSchema(StrictSchema):
    """What the second admin says."""

    decision = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))
    comment = fields.String(load_default="", validate=validate.Length(0, 500))


class CountSchema(StrictSchema):
    """A count. Without `count` it is more than none and fewer than `fewer_than`.

    With `from` and `to` it was worked out from a part that was drawn by chance: nineteen times of twenty the true
    number lies between these two.
    """

    count = fields.Integer()
    fewer_than = fields.Integer()
    from_ = fields.Integer(data_key="from", attribute="from")
    to = fields.Integer()


class MovedSchema(StrictSchema):
    """How many accounts gain and lose."""

    gains = fields.Nested(CountSchema, required=True)
    loses = fields.Nested(CountSchema, required=True)


class ProvinceMovedSchema(MovedSchema):
    """The same for the people of one province."""

    province = fields.String(required=True)
    name = fields.String(required=True)


class LaunchPreviewSchema(MovedSchema):
    """What a change would do, in numbers of all `accounts` that are active.

    `counted`: of how many it was found out whether they gain or lose; `placed`: where they live. Where that is fewer
    than all, these were drawn by chance and the numbers have a range. Without `gains`, `loses` or `by_province`, the
    residence register does not count.
    """

    gains = fields.Nested(CountSchema)
    loses = fields.Nested(CountSchema)
    before = fields.Nested(PlanSchema, required=True)
    after = fields.Nested(PlanSchema, required=True)
    effective_at = Moment(required=True)
    needs_approval = fields.Boolean(required=True)
    accounts = fields.Integer(required=True)
    counted = fields.Integer(required=True)
    by_province = fields.List(fields.Nested(ProvinceMovedSchema))
    placed = fields.Integer()
    gains_below_level = fields.Nested(CountSchema)
    minimum_account_level = fields.Integer(required=True)
    minimum_auth_level = fields.Integer(required=True)
    open_requests = fields.Nested(CountSchema)


class ExplanationOrderSchema(StrictSchema):
    """Whose availability is looked up, and for what; both are in the record, and in that citizen's history."""

    account_id = fields.String(required=True, validate=validate.Length(1, 64))
    purpose = fields.String(required=True, validate=validate.OneOf(EXPLAIN_PURPOSES))
    app_version = fields.String(load_default=lambda: None, validate=validate.Length(1, 32))


class ExplainedRuleSchema(StrictSchema):
    """One rule. `applies`: the launch has it, and it matters to this citizen. Without `holds`, nobody could tell."""

    rule = fields.String(required=True, metadata={"x-extensible-enum": [str(rule) for rule in Rule]})
    applies = fields.Boolean(required=True)
    holds = fields.Boolean()


class ExplanationSchema(StrictSchema):
    """Why a citizen sees a utility or does not. `words`: what is missing, as they are told it.

    `seen_from_percent`: the least share that takes them in.
    """

    account_id = fields.String(required=True)
    utility = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": STATES})
    available = fields.Boolean(required=True)
    decided_by = fields.String(required=True, metadata={"x-extensible-enum": [str(rule) for rule in Rule]})
    missing = fields.String()
    words = Both()
    rules = fields.List(fields.Nested(ExplainedRuleSchema), required=True)
    seen_from_percent = Percent(required=True)


def order_of(given: dict[str, Any]) -> LaunchOrder:
    """Return the order that a parsed body is."""
    audience = given.get("audience")
    return LaunchOrder(
        state=LaunchState(given["state"]),
        reason=given.get("reason", ""),
        audience=None if audience is None else _audience(audience),
        pause_text=given.get("pause_text"),
        stop_rule=None if given.get("stop_rule") is None else StopRule(**given["stop_rule"]),
        effective_at=given["effective_at"],
        comment=given.get("comment", ""),
        emergency=given.get("emergency", False),
    )


def _audience(given: dict[str, Any]) -> Audience:
    permille = given["percent"]
    return Audience(
        provinces=frozenset(given["provinces"]),
        permille=None if permille == WHOLE else permille,
        testers=frozenset(given["testers"]),
        from_at=given["from_at"],
        until_at=given["until_at"],
        app_version=given["minimum_app_version"],
    )
