"""Finds the utilities: one folder below this package, or one entry point of another package.

Whoever finds a plug-in holds it against the contract; a wrong one stops the start rather than a citizen.
"""

import json
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

import wallet.utilities
from wallet.errors import ConfigurationError, UnknownUtility
from wallet.utilities.base import Utility

ENTRY_POINTS = "wallet.utilities"
LANGUAGES = ("vi", "en")


@dataclass(frozen=True)
class Plugin:
    """A utility and the texts that were shipped beside it."""

    utility: Utility
    texts: Mapping[str, Mapping[str, Mapping[str, str]]]
    module: str

    def label(self, claim_name: str) -> dict[str, str]:
        """Return what a claim is called, in both languages."""
        return {language: self.texts[language]["claims"][claim_name] for language in LANGUAGES}

    def reason(self, code: str, language: str) -> str | None:
        """Return the plug-in's own words for a refusal, None when it has none for this code."""
        return self.texts[language].get("reasons", {}).get(code)


class Catalogue:
    """Every utility of this deployment, by code."""

    def __init__(self, plugins: Mapping[str, Plugin]) -> None:
        self._plugins = dict(plugins)

    @classmethod
    def discover(cls) -> "Catalogue":
        """Return the catalogue of what is installed. Raises ConfigurationError naming every fault at once."""
        plugins: dict[str, Plugin] = {}
        problems = []
        for module in _modules():
            try:
                utility, texts = module.utility, _texts(module.__name__)
                if not isinstance(utility, Utility) or not isinstance(texts, dict):
                    raise TypeError("something else stands there")
            except (AttributeError, OSError, TypeError, ValueError) as error:
                problems.append(f"{module.__name__}: no utility, or no texts.json that is JSON ({error})")
                continue
            plugin = Plugin(utility, texts, module.__name__)
            problems += [f"{module.__name__}: {fault}" for fault in faults(plugin)]
            if utility.code in plugins:
                problems.append(f"{module.__name__}: the code {utility.code} is taken")
            plugins[utility.code] = plugin
        if problems:
            raise ConfigurationError(*problems, mend="wallet doctor")
        return cls(plugins)

    def get(self, code: str) -> Utility:
        """Return one utility. Raises UnknownUtility."""
        return self.plugin(code).utility

    def plugin(self, code: str) -> Plugin:
        """Return one utility with its texts. Raises UnknownUtility."""
        if code not in self._plugins:
            raise UnknownUtility("unknown_utility")
        return self._plugins[code]

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._in_order)

    @cached_property
    def _in_order(self) -> tuple[Plugin, ...]:
        return tuple(self._plugins[code] for code in sorted(self._plugins))


def faults(plugin: Plugin) -> list[str]:
    """Return what breaks the contract, one sentence each."""
    utility = plugin.utility
    found = []
    for what, values in (("number", [c.number for c in utility.claims]), ("name", list(utility.names))):
        if len(set(values)) != len(values):
            found.append(f"two claims share a {what}")
    if not utility.claims:
        found.append("it has no claims")
    found += [f"the number of the claim {c.name} is negative" for c in utility.claims if c.number < 0]
    for language in LANGUAGES:
        if not utility.title.get(language):
            found.append(f"no title in {language}")
        labels = plugin.texts.get(language, {}).get("claims", {})
        missing = {name for name in utility.names if not labels.get(name)}
        found += [f"no label in {language} for the claim {name}" for name in sorted(missing)]
    if utility.validity < timedelta(days=1) or utility.validity % timedelta(days=1):
        found.append("its validity is not a number of whole days")
    return found


def _modules() -> Iterator[Any]:
    for found in pkgutil.iter_modules(wallet.utilities.__path__):
        if found.ispkg:
            yield import_module(f"{wallet.utilities.__name__}.{found.name}")
    for point in entry_points(group=ENTRY_POINTS):
        yield import_module(point.module)


def _texts(module: str) -> Any:
    return json.loads(files(module).joinpath("texts.json").read_text(encoding="utf-8"))
