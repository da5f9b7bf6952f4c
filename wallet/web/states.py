"""The words for codes that a plug-in may have words of its own for: states of requests, reasons, values."""

from collections.abc import Mapping
from typing import Any

from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.base import Source
from wallet.utilities.catalogue import Plugin
from wallet.utilities.plugin import named_texts


def state_name(plugin: Plugin | None, state: str) -> dict[str, str]:
    """Return what a state is called, in both languages."""
    return word_of(plugin, "states", state, core="request_states")


def move_name(plugin: Plugin | None, action: str) -> dict[str, str]:
    """Return what a move is called, in both languages."""
    return word_of(plugin, "moves", action, core="request_moves")


def word_of(plugin: Plugin | None, section: str, code: str, *, core: str = "") -> dict[str, str]:
    """Return the plug-in's words for a code, else the core's, else the code itself: an old one still has a name.

    plugin: None for one that is not there any more; what was asked of it still is.
    """
    found = {}
    for language in LANGUAGES:
        own = plugin.texts[language].get(section, {}).get(code) if plugin is not None else None
        found[language] = own or catalogue(language).get(core, {}).get(code) or code
    return found


def reason_text(section: str, reason: str | None) -> dict[str, str] | None:
    """Return the core's words for a reason that is kept, in both languages; None where there is none."""
    return None if reason is None else word_of(None, "", reason, core=section)


def with_reason_text(section: str, told: Any) -> dict[str, Any]:
    """Return a value that has a `reason`, with the words for it. told: a dataclass with slots."""
    return {name: getattr(told, name) for name in told.__slots__} | {"reason_text": reason_text(section, told.reason)}


def claim_codes(plugin: Plugin, claims: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the words of every code that a document of the plug-in states, also of what was chosen in the form."""
    stated = [claim for kind in plugin.utility.documents for claim in kind.claims]
    asked = {claim.name: claim.stated_as for claim in stated if claim.source == Source.DECLARED}
    found = []
    for name, value in claims.items():
        for each in value_codes(plugin, asked.get(name, name), value):
            found.append(each | ({"name": name} if each["name"] == asked.get(name) else {}))
    return found


def value_codes(plugin: Plugin, name: str, value: Any) -> list[dict[str, Any]]:
    """Return the words of every code that a value holds, by the name it has there; each code once."""
    found = {each: plugin.value_words(*each) for each in dict.fromkeys(named_texts(value, name))}
    return [{"name": place, "code": code, "label": words} for (place, code), words in found.items() if words]
