"""Schemas that refuse what they do not know and answer with stable codes, all faults at once."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from wallet.errors import pointer_step

_MESSAGES = {"required": "required", "null": "null", "validator_failed": "invalid", "invalid_utf8": "invalid_utf8"}
_VALIDATORS: tuple[tuple[type[validate.Validator], str], ...] = (
    (validate.Length, "invalid_length"),
    (validate.Range, "out_of_range"),
    (validate.OneOf, "not_a_choice"),
    (validate.Regexp, "invalid_format"),
    (validate.Email, "invalid_format"),
    (validate.Equal, "not_a_choice"),
)


class StrictSchema(Schema):
    """A schema whose messages are codes."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "unknown_field", "type": "invalid_type"}  # noqa: RUF012 - marshmallow's own shape

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        messages: Any = {name: _MESSAGES.get(name, "invalid_type") for name in field_obj.error_messages}
        if isinstance(field_obj, (fields.DateTime, fields.Date)):
            messages |= {"invalid": "invalid_format", "format": "invalid_format"}
        field_obj.error_messages = messages
        for validator in field_obj.validators:
            code = next((code for kind, code in _VALIDATORS if isinstance(validator, kind)), None)
            if code is not None:
                validator.error = code  # type: ignore[attr-defined]
        if isinstance(field_obj, fields.List):
            self.on_bind_field(field_name, field_obj.inner)


class PlainWords(fields.String):
    """A text that a person typed, in NFC: without control, format and private characters, which hide what it says."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = unicodedata.normalize("NFC", super()._deserialize(value, attr, data, **kwargs)).strip()
        if any(unicodedata.category(letter)[0] == "C" and letter != "\n" for letter in text):
            raise ValidationError("not_plain_text")
        return text


def pointers(messages: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return marshmallow's nested messages as JSON Pointer (RFC 6901) and code, the first code of each field."""
    if isinstance(messages, Mapping):
        found = []
        for name, inner in messages.items():
            found += pointers(inner, prefix + ("" if name == "_schema" else pointer_step(str(name))))
        return found
    code = str(messages[0]) if isinstance(messages, list) else str(messages)
    return [(prefix, code)]
