"""The words for codes that a plug-in may have words of its own for: states of requests, reasons."""

from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.catalogue import Plugin


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
