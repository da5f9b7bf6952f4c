"""The words for codes that a plug-in may have words of its own for: states of requests, reasons."""

from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.catalogue import Plugin


def state_name(plugin: Plugin, state: str) -> dict[str, str]:
    """Return what a state is called, in both languages."""
    return word_of(plugin, "states", state, core="request_states")


def word_of(plugin: Plugin, section: str, code: str, *, core: str = "") -> dict[str, str]:
    """Return the plug-in's words for a code, else the core's, else the code itself: an old one still has a name."""
    found = {}
    for language in LANGUAGES:
        own = plugin.texts[language].get(section, {}).get(code)
        found[language] = own or catalogue(language).get(core, {}).get(code) or code
    return found
