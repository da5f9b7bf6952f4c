"""Spreadsheets of records: one to fill, and one that was filled, with what came of each row."""

from typing import Any

from flask import Response, current_app, request
from marshmallow import fields, validate

from wallet.requests.import_templates import template
from wallet.requests.importing import read_sheet
from wallet.requests.imports import Imported, importable_field
from wallet.requests.spreadsheets import CSV, MAX_BYTES, XLSX
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES, both, lookup
from wallet.utilities.base import Field
from wallet.utilities.catalogue import Plugin
from wallet.web.answers import PRIVATE, answer, expected_version, expected_version_if_any, version_etag
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.language import caller_language
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, StrictSchema, read_body
from wallet.web.states import word_of

routes = Routes("imports", __name__, url_prefix="/v1", description="Spreadsheets of records")
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.ONE, "for_wards": True}
FORMATS = {"xlsx": XLSX, "csv": CSV}
FILE = {"type": "string", "format": "binary"}


class ImportQuery(StrictSchema):
    """Whether the good rows are kept; otherwise the file is only looked at."""

    apply = fields.Boolean(truthy={"true"}, falsy={"false"}, load_default=False)


class TemplateQuery(StrictSchema):
    """In which format."""

    format = fields.String(load_default="xlsx", validate=validate.OneOf(list(FORMATS)))


class ColumnSchema(StrictSchema):
    """A column: a field of one record."""

    name = fields.String(required=True)
    label = Both(required=True)


class CellFaultSchema(StrictSchema):
    """What is wrong in a column of a row."""

    column = fields.String(required=True)
    code = fields.String(required=True)
    text = Both(required=True)


class ImportRowSchema(StrictSchema):
    """One row. number: as a spreadsheet program shows it."""

    number = fields.Integer(required=True)
    ok = fields.Boolean(required=True)
    faults = fields.List(fields.Nested(CellFaultSchema), required=True)


class ImportNoticeSchema(StrictSchema):
    """Something about the file that is no fault."""

    code = fields.String(required=True)
    text = Both(required=True)


class AnswerFaultSchema(StrictSchema):
    """What is wrong with another answer of the request."""

    pointer = fields.String(required=True)
    code = fields.String(required=True)
    text = Both(required=True)


class ImportReportSchema(StrictSchema):
    """What came of a spreadsheet. checked: `whole` when the good rows were held against all that the utility refuses,
    `form` when the request lacks the answers that this needs. answers: the good rows, as the field's answer takes them.
    """

    header_row = fields.Integer(required=True)
    columns = fields.List(fields.Nested(ColumnSchema), required=True)
    ignored = fields.List(fields.String(), required=True)
    missing = fields.List(fields.Nested(ColumnSchema), required=True)
    notices = fields.List(fields.Nested(ImportNoticeSchema), required=True)
    rows = fields.List(fields.Nested(ImportRowSchema), required=True)
    good = fields.Integer(required=True)
    bad = fields.Integer(required=True)
    applied = fields.Integer(required=True, metadata={"description": "Rows that the request holds now"})
    checked = fields.String(required=True, metadata={"x-extensible-enum": ["form", "whole"]})
    others = fields.List(fields.Nested(AnswerFaultSchema), required=True)
    answers = fields.List(fields.Dict(keys=fields.String()), required=True)


@operation(routes, "POST", "/requests/<request_id>/imports/<field>", **OWN, max_body=MAX_BYTES, may_match=True)
@routes.arguments(ImportQuery, location="query")
@routes.doc(requestBody={"required": True, "content": {CSV: {"schema": FILE}, XLSX: {"schema": FILE}}})
@routes.response(200, ImportReportSchema)
def import_rows(query: dict[str, Any], request_id: str, field: str) -> Response:
    """Send a spreadsheet for a field of records: what came of each row. With `apply` the good rows take its place.

    CSV in UTF-8, or XLSX; at most 2 MiB and as many rows as the field takes. Nothing is kept without `apply`, which
    needs If-Match, as every edit does.
    """
    version = expected_version() if query["apply"] else expected_version_if_any()
    sheet = read_sheet(read_body(request), request.mimetype)
    wallet = current_wallet()
    for trying in wallet.tries():
        with trying as work:
            found = work.imports.take(request_id, field, sheet, version, current_actor(), apply=query["apply"])
            detail = work.requests.get(request_id, current_actor())
    plugin = wallet.catalogue.plugin(detail.request.utility)
    told = _told(found, importable_field(plugin.utility, field), plugin)
    return answer(ImportReportSchema(), told, headers={"ETag": version_etag(detail.request.version)})


@operation(routes, "GET", "/me/utilities/<utility>/templates/<field>", **OWN)
@routes.arguments(TemplateQuery, location="query")
@routes.response(200, FILE, content_type=CSV)
@routes.response(200, FILE, content_type=XLSX)
def read_template(query: dict[str, Any], utility: str, field: str) -> Response:
    """Fetch the empty spreadsheet for a field of records, with its columns in the caller's language and a guide."""
    plugin = current_wallet().catalogue.plugin(utility)
    question, form = importable_field(plugin.utility, field), query["format"]
    content = template(question, plugin, caller_language(), FORMATS[form])
    response = current_app.response_class(content, mimetype=FORMATS[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{plugin.utility.code}-{question.name}.{form}"'
    response.headers["Cache-Control"] = PRIVATE
    return response


def _told(found: Imported, question: Field, plugin: Plugin) -> dict[str, Any]:
    report, columns = found.report, {each.name: each for each in question.fields}
    return {
        "header_row": report.header_row,
        "columns": [_column(plugin, name) for name in report.columns],
        "ignored": report.ignored,
        "missing": [_column(plugin, name) for name in report.missing],
        "notices": [
            {"code": notice.code, "text": both("import_notices", notice.code, **notice.values)}
            for notice in report.notices
        ],
        "rows": [
            {
                "number": row.number,
                "ok": row.ok,
                "faults": [
                    {"column": name, "code": code, "text": _in_cell(plugin, columns.get(name), code)}
                    for name, code in row.faults.items()
                ],
            }
            for row in report.rows
        ],
        "good": len(report.answers),
        "bad": len(report.rows) - len(report.answers),
        "applied": found.applied,
        "checked": "whole" if found.whole else "form",
        "others": [
            {"pointer": pointer, "code": code, "text": _fault(plugin, code)} for pointer, code in found.others.items()
        ],
        "answers": report.answers,
    }


def _column(plugin: Plugin, name: str) -> dict[str, Any]:
    return {"name": name, "label": plugin.words("fields", name)}


def _fault(plugin: Plugin, code: str) -> dict[str, str]:
    return word_of(plugin, "reasons", code, core="fields")


def _in_cell(plugin: Plugin, column: Field | None, code: str) -> dict[str, str]:
    """Return what is wrong with a cell; where it has to be one of a few words, with these words."""
    told = _fault(plugin, code)
    if code != "not_a_choice" or column is None or not column.choices:
        return told
    words = [word_of(plugin, "choices", f"{column.name}.{choice}") for choice in column.choices]
    return {
        language: f"{told[language]} "
        + lookup("imports", "one_of", language, choices=", ".join(word[language] for word in words))
        for language in LANGUAGES
    }
