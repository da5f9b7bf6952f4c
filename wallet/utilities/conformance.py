"""The contract, held against one utility: sentences of what is wrong with it, none when it is sound.

Used by the catalogue at the start, by `wallet utilities check`, and by the tests of any package that brings a utility:

    def test_contract() -> None:
        assert faults_of_package("someones_permit") == []
"""

from importlib import import_module
from importlib.resources import files
from json import loads
from typing import Any

from wallet.utilities.base import Utility
from wallet.utilities.declaration import faults_of_declaration
from wallet.utilities.examples import load
from wallet.utilities.plugin import Plugin
from wallet.utilities.source_rules import faults_of_module
from wallet.utilities.trials import faults_of_examples

__all__ = ["NoPlugin", "every_fault", "faults_of_declaration", "faults_of_package", "open_plugin"]


class NoPlugin(Exception):
    """What was to be a plug-in is none."""


def faults_of_package(module: str) -> list[str]:
    """Return what is wrong with a plug-in by the name of its module: its source first, before any of it runs."""
    if found := faults_of_module(module):
        return found
    try:
        plugin = open_plugin(module)
    except NoPlugin as error:
        return [str(error)]
    return every_fault(plugin)


def every_fault(plugin: Plugin) -> list[str]:
    """Return what is wrong with what a plug-in declares and with what it does in its examples."""
    if found := faults_of_declaration(plugin):
        return found  # examples of what is not well formed tell nothing
    try:
        given = load(plugin.module)
    except (OSError, ValueError) as error:
        return [f"no examples.json that is JSON ({error.__class__.__name__})"]
    return faults_of_examples(plugin, given)


def open_plugin(module: str) -> Plugin:
    """Import a plug-in and read its texts. Raises NoPlugin."""
    try:
        utility: Any = getattr(import_module(module), "utility", None)
        texts = loads(files(module).joinpath("texts.json").read_text(encoding="utf-8"))
    except (Exception, SystemExit) as error:
        raise NoPlugin(f"it cannot be loaded ({error.__class__.__name__}: {error})") from error
    if not isinstance(utility, Utility):
        raise NoPlugin("it has no value named utility that is one")
    if not _are_texts(texts):
        raise NoPlugin("its texts.json is not language to section to code to text")
    return Plugin(utility, texts, module)


def _are_texts(texts: Any) -> bool:
    return isinstance(texts, dict) and all(
        isinstance(sections, dict)
        and all(
            isinstance(section, dict) and all(isinstance(text, str) for text in section.values())
            for section in sections.values()
        )
        for sections in texts.values()
    )
