"""The shape of a definition: every part strict, every text in two languages, nothing that could be run."""

from marshmallow import ValidationError, fields, validate, validates_schema

from wallet.strict import PlainWords, StrictSchema
from wallet.terms import LONGEST_VALIDITY, AccountLevel, AuthLevel
from wallet.utilities.base import NO_REGISTER, Ask, Capacity, Kind, OnChange, Paper, Source

NAME = r"[a-z][a-z0-9_]{0,39}\Z"
GUARDED = frozenset({Source.CRIMINAL_RECORDS, Source.HEALTH_RECORDS, Source.SECURITY_CASES})
"""Registers of which the law leaves out what others may not see: a definition, which computes nothing, cannot."""
SOURCES = [str(source) for source in Source if source is not Source.DERIVED and source not in GUARDED]
REGISTERS = [source for source in SOURCES if source not in NO_REGISTER]
CAPACITIES = [str(capacity) for capacity in Capacity if capacity is not Capacity.PROXY]
"""As what one may apply: whether a proxy may, a definition has nothing to judge by."""
ASKS = [str(ask) for ask in Ask if ask not in (Ask.RECORDS, Ask.MOMENT)]
MOST_AMOUNT = 1_000_000_000


class WordsSchema(StrictSchema):
    """A text in Vietnamese and in English."""

    vi = PlainWords(required=True, validate=validate.Length(1, 300))
    en = PlainWords(required=True, validate=validate.Length(1, 300))

    @validates_schema
    def differ(self, data: dict[str, str], **_: object) -> None:
        if data["vi"] == data["en"]:
            raise ValidationError("same_in_both", "en")


class AgencySchema(StrictSchema):
    """Whose service it is. name: where the wallet does not know the code."""

    code = fields.String(required=True, validate=validate.Regexp(NAME))
    name = fields.Nested(WordsSchema, load_default=None)


class ClaimSchema(StrictSchema):
    """One statement. source: a register, `declared` (a field of the form) or `request`. fact: its name there."""

    number = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31 - 1))
    name = fields.String(required=True, validate=validate.Regexp(NAME))
    label = fields.Nested(WordsSchema, required=True)
    kind = fields.String(load_default="text", validate=validate.OneOf([str(kind) for kind in Kind]))
    source = fields.String(required=True, validate=validate.OneOf(SOURCES))
    fact = fields.String(load_default="", validate=validate.Length(0, 64))
    paper = fields.String(load_default="hidden", validate=validate.OneOf([str(paper) for paper in Paper]))
    required = fields.Boolean(load_default=True, truthy={True}, falsy={False})


class ViewSchema(StrictSchema):
    """What is shown for one purpose."""

    purpose = fields.String(required=True, validate=validate.Regexp(NAME))
    label = fields.Nested(WordsSchema, required=True)
    claims = fields.List(fields.String(), required=True, validate=validate.Length(1, 100))


class SectionSchema(StrictSchema):
    """One part of the paper."""

    heading = fields.Nested(WordsSchema, load_default=None)
    claims = fields.List(fields.String(), required=True, validate=validate.Length(1, 100))


class DocumentSchema(StrictSchema):
    """The document that comes of it."""

    title = fields.Nested(WordsSchema, required=True)
    validity_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, LONGEST_VALIDITY.days))
    claims = fields.List(fields.Nested(ClaimSchema), required=True, validate=validate.Length(1, 60))
    views = fields.List(fields.Nested(ViewSchema), load_default=list, validate=validate.Length(0, 20))
    sections = fields.List(fields.Nested(SectionSchema), load_default=list, validate=validate.Length(0, 20))
    void_when = fields.List(fields.String(validate=validate.OneOf(REGISTERS)), load_default=list)
    on_change = fields.String(
        validate=validate.OneOf([str(each) for each in OnChange]),
        load_default=str(OnChange.VOID),
        metadata={"description": "When a register of `void_when` changes: the document is void, or made anew"},
    )


class ChoiceSchema(StrictSchema):
    """One thing that can be chosen, refused for or paid for."""

    code = fields.String(required=True, validate=validate.Regexp(NAME))
    label = fields.Nested(WordsSchema, required=True)


def _plain(value: object) -> None:
    if not isinstance(value, (str, int)):
        raise ValidationError("invalid_type")


class ConditionSchema(StrictSchema):
    """A field asked before, and the answers to it for which this one is asked."""

    field = fields.String(required=True)
    values = fields.List(fields.Raw(validate=_plain), required=True, validate=validate.Length(1, 50))


class FieldSchema(StrictSchema):
    """One question."""

    name = fields.String(required=True, validate=validate.Regexp(NAME))
    label = fields.Nested(WordsSchema, required=True)
    kind = fields.String(load_default="text", validate=validate.OneOf(ASKS))
    required = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    size = fields.List(
        fields.Integer(strict=True, validate=validate.Range(-MOST_AMOUNT, MOST_AMOUNT)),
        load_default=lambda: [1, 200],
        validate=validate.Length(equal=2),
    )
    choices = fields.List(fields.Nested(ChoiceSchema), load_default=list, validate=validate.Length(0, 100))
    only_if = fields.Nested(ConditionSchema, load_default=None)


class FeeLineSchema(ChoiceSchema):
    """One line of what is to pay, in đồng; support is negative."""

    amount = fields.Integer(required=True, strict=True, validate=validate.Range(-MOST_AMOUNT, MOST_AMOUNT))


class RulesSchema(StrictSchema):
    """What the law says from a day on."""

    version = fields.String(required=True, validate=validate.Regexp(r"[0-9A-Za-z][0-9A-Za-z.-]{0,15}\Z"))
    effective_from = fields.Date(required=True, format="iso")
    legal_basis = PlainWords(required=True, validate=validate.Length(3, 300))
    working_days = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 365))
    fee = fields.List(fields.Nested(FeeLineSchema), load_default=list, validate=validate.Length(0, 20))


class DefinitionSchema(StrictSchema):
    """A utility without functions."""

    code = fields.String(required=True, validate=validate.Regexp(NAME))
    title = fields.Nested(WordsSchema, required=True)
    agency = fields.Nested(AgencySchema, required=True)
    minimum_account_level = fields.Integer(
        load_default=2, strict=True, validate=validate.OneOf([int(level) for level in AccountLevel])
    )
    minimum_auth_level = fields.Integer(
        load_default=2, strict=True, validate=validate.OneOf([int(level) for level in AuthLevel])
    )
    who = fields.List(
        fields.String(validate=validate.OneOf(CAPACITIES)),
        load_default=lambda: ["self"],
        validate=validate.Length(1, len(CAPACITIES)),
    )
    lifecycle = fields.String(load_default="instant", validate=validate.OneOf(["instant", "reviewed"]))
    rules = fields.List(fields.Nested(RulesSchema), required=True, validate=validate.Length(1, 50))
    form = fields.List(fields.Nested(FieldSchema), load_default=list, validate=validate.Length(0, 60))
    reasons = fields.List(fields.Nested(ChoiceSchema), load_default=list, validate=validate.Length(0, 60))
    document = fields.Nested(DocumentSchema, required=True)
