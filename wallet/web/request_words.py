"""Requests in words and as JSON, for whoever asked and for the desk: states, steps, fees, papers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import Response, current_app

from wallet.documents.forms import plain
from wallet.documents.forms.pdf import MEDIA_TYPE as PDF
from wallet.requests.orders import (
    FeeLineView,
    PaperView,
    Preview,
    RequestDetail,
    RequestPaperView,
    UtilityRequest,
)
from wallet.requests.papers import printed
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.web.answers import (
    PRIVATE,
)
from wallet.web.problems import field_text
from wallet.web.request_schemas import RequestPaperSchema
from wallet.web.states import move_name, state_name, word_of

OF_STEP = ("code", "state", "opened_at", "due_at", "done_at", "reason", "reminders", "current")


def told_paper(paper: RequestPaperView) -> dict[str, Any]:
    """Return a slip or a letter as it was made out."""
    stated = dict(paper.stated)
    for name in ("received_at", "promised"):
        if name in stated:
            stated[name] = datetime.fromisoformat(stated[name])
    view = {name: getattr(paper.view, name) for name in PaperView.__slots__}
    whole = stated | view | {"request_id": paper.request_id, "utility": paper.utility, "sample_mark": SAMPLE_MARK}
    return {name: value for name, value in whole.items() if name in RequestPaperSchema().fields}


def printed_paper(paper: RequestPaperView) -> Response:
    """Typeset a slip or a letter, outside any transaction. Raises Unavailable("form_not_installed")."""
    response = current_app.response_class(plain.make(printed(paper)), content_type=PDF)
    response.headers["Cache-Control"] = PRIVATE
    return response


def told(request: UtilityRequest, catalogue: Catalogue) -> dict[str, Any]:
    """Return a request with the words for its codes."""
    plugin = catalogue.find(request.utility)
    names = {name: getattr(request, name) for name in UtilityRequest.__slots__}
    return names | {
        "fee_due": request.fee_due,
        "state_name": state_name(plugin, request.state),
        "fee": _fee(plugin, request.fee),
    }


def told_whole(detail: RequestDetail, catalogue: Catalogue) -> dict[str, Any]:
    """Return a request, whole, with the words for its codes."""
    plugin = catalogue.find(detail.request.utility)
    return told(detail.request, catalogue) | {
        "answers": detail.answers,
        "about": detail.about,
        "files": detail.files,
        "timeline": [_entry(plugin, entry) for entry in detail.timeline],
        "steps": [
            {
                **{name: getattr(step, name) for name in OF_STEP},
                "name": word_of(plugin, "steps", step.code),
                "agency": catalogue.agency_words(detail.request.utility, step.agency),
            }
            for step in detail.steps
        ],
        "papers": detail.papers,
        "agreements": detail.agreements,
        "actions": detail.actions,
        "moves": [{"action": action, "name": move_name(plugin, action)} for action in detail.actions],
        "warnings": _doubts(plugin, detail.warnings),
    }


def previewed(preview: Preview, plugin: Plugin) -> dict[str, Any]:
    faults = sorted(preview.faults.items())
    found: dict[str, Any] = {
        "ready": preview.ready,
        "errors": [
            {
                "pointer": pointer,
                "code": code,
                "text": {language: field_text(code, language, preview.words_of[pointer]) for language in LANGUAGES},
            }
            for pointer, code in faults
        ],
        "warnings": _doubts(plugin, preview.warnings),
        "due_at": preview.due_at,
        "expected": [
            {"name": name, "label": plugin.label(name), "value": value} for name, value in preview.expected.items()
        ],
    }
    if preview.fee is not None:
        found["fee"] = _fee(plugin, preview.fee)
        found["fee_due"] = sum(line.amount for line in preview.fee)
    return found


def _fee(plugin: Plugin | None, lines: Iterable[FeeLineView]) -> list[dict[str, Any]]:
    return [
        {"code": line.code, "name": word_of(plugin, "fees", line.code, core="fees"), "amount": line.amount}
        for line in lines
    ]


def _doubts(plugin: Plugin | None, warnings: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"pointer": pointer, "code": code, "text": word_of(plugin, "warnings", code, core="warnings")}
        for pointer, code in sorted(warnings.items())
    ]


def _entry(plugin: Plugin | None, entry: Any) -> dict[str, Any]:
    names = ("at", "action", "state", "by", "reason", "note", "expected_at", "step")
    found = {name: getattr(entry, name) for name in names}
    found |= {"action_name": move_name(plugin, entry.action), "state_name": state_name(plugin, entry.state)}
    if entry.reason is not None:
        found["reason_text"] = word_of(plugin, "reasons", entry.reason)
    if entry.step is not None:
        found["step_name"] = word_of(plugin, "steps", entry.step)
    return found
