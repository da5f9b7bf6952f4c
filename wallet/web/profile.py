"""The caller's own: what they chose, everything that is held about them, and the end of their account."""

from dataclasses import fields as fields_of
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from wallet.identity.preferences import PreferencesView
from wallet.messages.notices import NOTICES
from wallet.profile.closing import Closed, Effects, Preview
from wallet.profile.export import SCHEMA_VERSION, Export
from wallet.terms import SAMPLE_MARK, AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.web.answers import answer, expected_version, version_etag
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("profile", __name__, url_prefix="/v1/me", description="Settings, export and closing of one's account")
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.ONE}
OWN_WITH_SECRET: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.TWO}
CONFIRM = "close"


class NoticeKindSchema(StrictSchema):
    """One kind of notice. What is not optional reaches you whatever you set."""

    code = fields.String(required=True)
    sms = fields.Boolean(required=True)
    optional = fields.Boolean(required=True)


class SettingsSchema(StrictSchema):
    """What you chose. The phone number changes by `POST /v1/me/phone-changes` alone."""

    language = fields.String(required=True, metadata={"x-extensible-enum": list(LANGUAGES)})
    optional_sms = fields.Boolean(required=True)
    email = fields.String()
    phone_masked = fields.String()
    notice_kinds = fields.List(fields.Nested(NoticeKindSchema), required=True)


class Flag(fields.Boolean):
    """true or false and nothing that passes for one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class SettingsChangeSchema(StrictSchema):
    """What is to change (RFC 7396); an e-mail of null is removed."""

    language = fields.String(validate=validate.OneOf(list(LANGUAGES)))
    optional_sms = Flag()
    email = fields.String(
        allow_none=True,
        validate=[
            validate.Length(3, 254),
            validate.Regexp(r"^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,24}\Z"),
        ],
    )

    @validates_schema
    def check_some(self, data: dict[str, Any], **_: Any) -> None:
        """Something has to change."""
        if not data:
            raise ValidationError({"_schema": ["required"]})


class ExportOrderSchema(StrictSchema):
    """Nothing has to be said."""


class ExportSectionSchema(StrictSchema):
    """What is held of one kind. `complete` is false where older rows were left out."""

    code = fields.String(required=True)
    title = Both(required=True)
    explanation = Both(required=True)
    complete = fields.Boolean(required=True)
    rows = fields.List(fields.Dict(keys=fields.String()), required=True)


class ExportSchema(StrictSchema):
    """Everything that is held about one person."""

    schema_version = fields.Integer(required=True)
    made_at = Moment(required=True)
    account_id = fields.String(required=True)
    sample_mark = fields.String(required=True)
    sections = fields.List(fields.Nested(ExportSectionSchema), required=True)


class EffectsSchema(StrictSchema):
    """What closing does, in numbers. `requests_ended`: that were sent and are not answered yet, paid for or not."""

    documents_revoked = fields.Integer(required=True)
    sessions_ended = fields.Integer(required=True)
    devices_unbound = fields.Integer(required=True)
    passkeys_removed = fields.Integer(required=True)
    relations_ended = fields.Integer(required=True)
    ceremonies_ended = fields.Integer(required=True)
    applications_ended = fields.Integer(required=True)
    corrections_ended = fields.Integer(required=True)
    requests_ended = fields.Integer(required=True)
    notices_erased = fields.Integer(required=True)


class ClosurePreviewSchema(StrictSchema):
    """What closing would do. `blocked_by`: codes of the problems that it would meet."""

    effects = fields.Nested(EffectsSchema, required=True)
    blocked_by = fields.List(fields.String(), required=True)


class ClosureOrderSchema(StrictSchema):
    """The word that nobody sends by mistake."""

    confirm = fields.String(required=True, validate=validate.OneOf([CONFIRM]))


class ClosureSchema(StrictSchema):
    """What closing did. It is final."""

    closed_at = Moment(required=True)
    effects = fields.Nested(EffectsSchema, required=True)


@operation(routes, "GET", "/settings", **OWN, versioned=True)
@routes.response(200, SettingsSchema)
def read_settings() -> Response:
    """Read what you chose; the ETag goes into If-Match of the next change."""
    with current_wallet().read() as work:
        return _settings_answer(work.preferences.read(current_actor().account_id))


@operation(routes, "PATCH", "/settings", **OWN_WITH_SECRET, if_match=True)
@routes.arguments(SettingsChangeSchema)
@routes.response(200, SettingsSchema)
def change_settings(changes: dict[str, Any]) -> Response:
    """Change your language, the optional text messages, or your e-mail address."""
    version, actor = expected_version(), current_actor()
    with current_wallet().work() as work:
        return _settings_answer(work.preferences.change(actor.account_id, version, changes, actor))


@operation(routes, "POST", "/exports", **OWN_WITH_SECRET, max_age=FRESH, cooling_off=True)
@routes.arguments(ExportOrderSchema)
@routes.response(201, ExportSchema)
@once
def export_everything(work: Work, _order: dict[str, Any]) -> Response:
    """Get everything that is held about you, as one document to save. At most three a day."""
    made = work.exporting.export(current_actor())
    name = f"vi-so-{made.made_at:%Y%m%d-%H%M%S}.json"
    return answer(ExportSchema(), _export(made), 201, {"Content-Disposition": f'attachment; filename="{name}"'})


@operation(routes, "GET", "/closure", **OWN_WITH_SECRET)
@routes.response(200, ClosurePreviewSchema)
def preview_closure() -> Response:
    """See what closing your account would do, and what stands in its way. Nothing is changed."""
    with current_wallet().read() as work:
        return answer(ClosurePreviewSchema(), _counted(work.closing.preview(current_actor())))


@operation(
    routes,
    "POST",
    "/closure",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.FOUR,
    max_age=FRESH,
    cooling_off=True,
)
@routes.arguments(ClosureOrderSchema)
@routes.response(201, ClosureSchema)
@once
def close_account(work: Work, _order: dict[str, str]) -> Response:
    """Close your account for good: documents are revoked, everything about you is forgotten."""
    return answer(ClosureSchema(), _counted(work.closing.close(current_actor())), 201)


def _settings_answer(view: PreferencesView) -> Response:
    kinds = [{"code": code, "sms": kind.sms, "optional": kind.optional} for code, kind in NOTICES.items()]
    body = {
        "language": view.language,
        "optional_sms": view.optional_sms,
        "email": view.email,
        "phone_masked": view.phone_masked,
        "notice_kinds": kinds,
    }
    return answer(SettingsSchema(), body, headers={"ETag": version_etag(view.version)})


def _export(made: Export) -> dict[str, Any]:
    sections = [
        {
            "code": section.code,
            "title": {language: catalogue(language)["held"][section.code]["title"] for language in LANGUAGES},
            "explanation": {
                language: catalogue(language)["held"][section.code]["explanation"] for language in LANGUAGES
            },
            "complete": section.complete,
            "rows": section.rows,
        }
        for section in made.sections
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "made_at": made.made_at,
        "account_id": made.person.account_id,
        "sample_mark": SAMPLE_MARK,
        "sections": sections,
    }


def _counted(outcome: Preview | Closed) -> dict[str, Any]:
    body = {each.name: getattr(outcome, each.name) for each in fields_of(outcome)}
    return body | {"effects": {each.name: getattr(outcome.effects, each.name) for each in fields_of(Effects)}}
