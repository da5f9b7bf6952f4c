"""A utility as data, whole: what it asks, reads, states and costs, and how a request goes through."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from wallet.texts.catalogue import both
from wallet.utilities.base import Agreement, Deadline, DocumentType, Field, Lifecycle, Once, Rules, Step
from wallet.utilities.plugin import LANGUAGES, Plugin

MARKS = ("issues", "voids", "reason", "second", "lays_out", "extends", "receives")
"""What may be true of a move, as `Move` has it."""


def described(plugin: Plugin) -> dict[str, Any]:
    """Return everything that a utility declares, as JSON holds it. What its functions do, its examples tell."""
    utility = plugin.utility
    return {
        "code": utility.code,
        "version": utility.version,
        "title": dict(utility.title),
        "module": plugin.module,
        "agency": {"code": utility.agency, "name": agency_name(plugin, utility.agency)},
        "minimum_account_level": int(utility.minimum_level),
        "minimum_auth_level": int(utility.minimum_auth),
        "who": sorted(map(str, utility.who)),
        "confidential": utility.confidential,
        "registers": list(map(str, utility.registers)),
        "shows": {str(register): list(names) for register, names in utility.shows.items()},
        "link": None if utility.link is None else str(utility.link.register),
        "agreement": None if utility.agreement is None else _agreement(utility.agreement),
        "once": None if utility.once is None else _once(utility.once),
        "form": [_field(plugin, field) for field in utility.form],
        "rules": [_rules(rules) for rules in utility.rules],
        "lifecycle": lifecycle_as_data(utility.lifecycle),
        "steps": [_step(plugin, step) for step in utility.steps],
        "reasons": {code: plugin.words("reasons", code) for code in utility.reasons},
        "supplements": list(utility.supplements),
        "documents": [_document(plugin, kind) for kind in utility.documents],
    }


def agency_name(plugin: Plugin, code: str) -> dict[str, str]:
    """Return what an agency is called: in the plug-in's own words where it has some."""
    if all(code in plugin.texts[language].get("agencies", {}) for language in LANGUAGES):
        return plugin.words("agencies", code)
    return both("agencies", code)


def lifecycle_as_data(lifecycle: Lifecycle) -> dict[str, Any]:
    """Return states and moves, as JSON holds them."""
    return {
        "code": lifecycle.code,
        "states": list(lifecycle.states),
        "final": [state for state in lifecycle.states if state in lifecycle.final],
        "waiting": [state for state in lifecycle.states if state in lifecycle.waiting],
        "moves": [
            {
                "action": move.action,
                "source": move.source,
                "target": move.target,
                "by": str(move.by),
                **{name: True for name in MARKS if getattr(move, name)},
            }
            for move in lifecycle.moves
        ],
    }


def _field(plugin: Plugin, field: Field) -> dict[str, Any]:
    choices = {code: plugin.words("choices", f"{field.name}.{code}") for code in field.choices}
    told: dict[str, Any] = {
        "choices": choices,
        "fields": [_field(plugin, inner) for inner in field.fields],
        "only_if": None if field.only_if is None else {"field": field.only_if[0], "values": list(field.only_if[1])},
        "held_by": None if field.held_by is None else list(map(str, field.held_by)),
        "one_of": None if field.one_of is None else list(map(str, field.one_of)),
        "pattern": field.pattern,
        "importable": field.importable,
    }
    return {
        "name": field.name,
        "kind": str(field.kind),
        "required": field.required,
        "size": list(field.size),
        "label": plugin.words("fields", field.name),
        **{name: value for name, value in told.items() if value},
    }


def _document(plugin: Plugin, kind: DocumentType) -> dict[str, Any]:
    return {
        "code": kind.code,
        "version": kind.version,
        "title": dict(kind.title),
        "validity_days": kind.validity.days,
        "asking": str(kind.asking),
        "sensitive": kind.sensitive,
        "void_when": sorted(map(str, kind.void_when)),
        "on_change": str(kind.on_change),
        "supersedes": kind.supersedes,
        "views": {purpose: list(names) for purpose, names in kind.views.items()},
        "claims": [
            {
                "number": claim.number,
                "name": claim.name,
                "kind": str(claim.kind),
                "source": str(claim.source),
                "paper": str(claim.paper),
                "required": claim.required,
                "label": plugin.label(claim.name),
                **({"fact": claim.fact} if claim.fact else {}),
                **({"basis": str(claim.basis)} if claim.basis else {}),
                **({"parts": list(claim.parts)} if claim.parts else {}),
            }
            for claim in kind.claims
        ],
    }


def _rules(rules: Rules) -> dict[str, Any]:
    return {
        "version": rules.version,
        "effective_from": rules.effective_from.isoformat(),
        "legal_basis": rules.legal_basis,
        "deadline": _deadline(rules.deadline),
        "figures": plain(rules.figures),
    }


def _step(plugin: Plugin, step: Step) -> dict[str, Any]:
    return {
        "code": step.code,
        "label": plugin.words("steps", step.code),
        "agency": {"code": step.agency, "name": agency_name(plugin, step.agency)},
        "after": list(step.after),
        "deadline": _deadline(step.deadline),
        "finds": [{"name": name, "label": plugin.words(plugin.section_of_finding(name), name)} for name in step.finds],
        "patterns": dict(step.patterns),
        "over": list(step.over),
    }


def _once(once: Once) -> dict[str, Any]:
    return {"field": once.field, "kept": once.kept}


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {"field": agreement.field, "shows": list(agreement.shows), "days": agreement.days}


def _deadline(deadline: Deadline) -> dict[str, Any]:
    return {
        "working_days": deadline.working_days,
        "working_hours": deadline.working_hours,
        "extended_working_days": deadline.extended_working_days,
        "cutoff": None if deadline.cutoff is None else deadline.cutoff.isoformat("minutes"),
    }


def plain(value: Any) -> Any:
    """Return whatever the law counts as JSON holds it: days and times as text, tuples and sets as lists."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
