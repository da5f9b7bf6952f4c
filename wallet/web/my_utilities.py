"""A utility as it stands for the caller: what it shows of them, what it would ask, what is linked."""

from typing import Any

from flask import Response
from marshmallow import fields

from wallet.requests.links import LinkState, LinkView
from wallet.requests.showing import AskedField
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import both
from wallet.utilities.base import Field
from wallet.utilities.catalogue import Plugin
from wallet.web.answers import answer
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, Stated, StrictSchema, ValueCodeSchema
from wallet.web.states import value_codes, with_reason_text, word_of
from wallet.wiring import Work

routes = Routes(
    "my_utilities", __name__, url_prefix="/v1/me/utilities", description="A utility as it stands for the caller"
)
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.TWO, "for_wards": True}


class ShownFactSchema(StrictSchema):
    """One fact, where it is from, and since when it stands so there."""

    name = fields.String(required=True)
    label = Both(required=True)
    value = Stated(required=True)
    codes = fields.List(fields.Nested(ValueCodeSchema), required=True)
    source = fields.String(required=True)
    as_of = Moment(required=True)


class ShownFactsSchema(StrictSchema):
    data = fields.List(fields.Nested(ShownFactSchema), required=True)


class ChoiceSchema(StrictSchema):
    """A choice and its words."""

    code = fields.String(required=True)
    label = Both(required=True)


class QuestionSchema(StrictSchema):
    """One question. held: a register answers it (`value`, `source`, `as_of`): it is not asked and must not be sent.

    size: least and most, of characters, of the number, of entries. only_if: the field and the values for which it is
    asked. offers: what a register states, of which one is chosen by its field `by`; codes: words for what is in them.
    """

    name = fields.String(required=True)
    label = Both(required=True)
    kind = fields.String(required=True)
    required = fields.Boolean(required=True)
    size = fields.List(fields.Integer(), required=True)
    choices = fields.List(fields.Nested(ChoiceSchema), required=True)
    only_if = fields.Dict()
    fields_ = fields.List(fields.Dict(), data_key="fields")
    importable = fields.Boolean(required=True)
    held = fields.Boolean(required=True)
    value = Stated()
    source = fields.String()
    as_of = Moment()
    offers = fields.List(fields.Dict())
    codes = fields.List(fields.Nested(ValueCodeSchema))
    by = fields.String()


class UtilityFormSchema(StrictSchema):
    data = fields.List(fields.Nested(QuestionSchema), required=True)


class UtilityLinkSchema(StrictSchema):
    """A link to a record of another institution."""

    utility = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": [str(state) for state in LinkState]})
    state_name = Both(required=True)
    reason = fields.String()
    reason_text = Both()
    changed_at = Moment()
    as_of = Moment()


@operation(routes, "GET", "/<utility>/facts", **OWN)
@routes.response(200, ShownFactsSchema)
def read_utility_facts(utility: str) -> Response:
    """Read what registers state about you for this utility, each fact with its source and its age."""
    wallet = current_wallet()
    for trying in wallet.tries():
        with trying as work:
            found = work.showing.facts(utility, current_actor())
    plugin = wallet.catalogue.plugin(utility)
    rows = [
        {
            "name": fact.name,
            "label": plugin.words("facts", fact.name),
            "value": fact.value,
            "codes": value_codes(plugin, fact.name, fact.value),
            "source": fact.register,
            "as_of": fact.as_of,
        }
        for fact in found
    ]
    return answer(ShownFactsSchema(), {"data": rows})


@operation(routes, "GET", "/<utility>/form", **OWN)
@routes.response(200, UtilityFormSchema)
def read_utility_form(utility: str) -> Response:
    """Read what this utility asks you, and what it need not ask because a register answers it."""
    wallet = current_wallet()
    for trying in wallet.tries():
        with trying as work:
            questions = work.showing.form(utility, current_actor())
    plugin = wallet.catalogue.plugin(utility)
    return answer(UtilityFormSchema(), {"data": [_question(plugin, each) for each in questions]})


@operation(routes, "GET", "/<utility>/link", **OWN)
@routes.response(200, UtilityLinkSchema)
def read_link(utility: str) -> Response:
    """Read whether your record is linked."""
    with current_wallet().read() as work:
        return answer(UtilityLinkSchema(), _link(work.links.get(utility, current_actor())))


@operation(routes, "POST", "/<utility>/link", account_level=AccountLevel.TWO, auth_level=AuthLevel.TWO, for_wards=True)
@routes.response(200, UtilityLinkSchema)
@once
def link_record(work: Work, utility: str) -> Response:
    """Link your record, or look again: it is matched by number, name and date of birth."""
    return answer(UtilityLinkSchema(), _link(work.links.make(utility, current_actor())))


def _link(view: LinkView) -> dict[str, Any]:
    return with_reason_text("link_reasons", view) | {"state_name": both("link_states", str(view.state))}


def _question(plugin: Plugin, asked: AskedField) -> dict[str, Any]:
    field = asked.question
    found = _described(plugin, field) | {"held": asked.held}
    if asked.held:
        found |= {"value": asked.value, "source": asked.register, "as_of": asked.as_of}
    if field.one_of is not None:
        found |= {"source": asked.register, "offers": list(asked.choices), "by": field.one_of[2]}
        found["codes"] = value_codes(plugin, field.one_of[1], asked.choices)
    return found


def _described(plugin: Plugin, field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": field.name,
        "label": plugin.words("fields", field.name),
        "kind": str(field.kind),
        "required": field.required,
        "size": list(field.size),
        "importable": field.importable,
        "choices": [
            {"code": code, "label": word_of(plugin, "choices", f"{field.name}.{code}")} for code in field.choices
        ],
    }
    if field.only_if is not None:
        found["only_if"] = {"field": field.only_if[0], "values": list(field.only_if[1])}
    if field.fields:
        found["fields_"] = [_described(plugin, inner) for inner in field.fields]
    return found
