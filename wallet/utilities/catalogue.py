"""Finds the utilities: one folder below this package, or one entry point of another package.

Whoever finds a plug-in holds it against the contract; a wrong one stops the start rather than a citizen.
"""

import json
import pkgutil
from collections import Counter
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
from wallet.utilities.base import DocumentType, Utility, texts_needed

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
        return self.words("claims", claim_name)

    def words(self, section: str, key: str) -> dict[str, str]:
        """Return one text of `texts.json` in both languages. Raises KeyError."""
        return {language: self.texts[language][section][key] for language in LANGUAGES}

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
            taken = {kind.code for other in plugins.values() for kind in other.utility.documents}
            problems += [
                f"{module.__name__}: the document {k.code} is taken" for k in utility.documents if k.code in taken
            ]
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
    found = [f"no title in {language}" for language in LANGUAGES if not utility.title.get(language)]
    if not utility.documents:
        found.append("no document comes of it")
    if not utility.rules:
        found.append("it has no rules")
    days = [rules.effective_from for rules in utility.rules]
    if days != sorted(set(days)):
        found.append("its rules are not in the order of the days they came into force")
    if len({rules.version for rules in utility.rules}) != len(utility.rules):
        found.append("two of its rules share a version")
    for kind in utility.documents:
        found += [f"{kind.code}: {fault}" for fault in _faults_of_document(kind)]
    names = Counter(each.name for each in utility.form)
    found += [f"two fields share the name {name}" for name, count in names.items() if count > 1]
    found += [f"the supplement {code} is no reason" for code in utility.supplements if code not in utility.reasons]
    steps = {step.code for step in utility.steps}
    found += [
        f"the step {each.code} waits for one that is not there" for each in utility.steps if set(each.after) - steps
    ]
    for language in LANGUAGES:
        texts = plugin.texts.get(language, {})
        for section, keys in texts_needed(utility).items():
            missing = sorted(key for key in keys if not texts.get(section, {}).get(key))
            found += [f"no text in {language} for {section}.{key}" for key in missing]
    return found


def _faults_of_document(kind: DocumentType) -> Iterator[str]:
    for what, values in (("number", [c.number for c in kind.claims]), ("name", list(kind.names))):
        if len(set(values)) != len(values):
            yield f"two claims share a {what}"
    if not kind.claims:
        yield "it has no claims"
    yield from (f"the number of the claim {c.name} is negative" for c in kind.claims if c.number < 0)
    yield from (f"no title in {language}" for language in LANGUAGES if not kind.title.get(language))
    named = [*(name for names in kind.views.values() for name in names)]
    named += [name for part in kind.layout.sections for name in part.claims]
    yield from (f"{name} is shown and no claim" for name in sorted(set(named) - set(kind.names)))
    if kind.validity < timedelta(days=1) or kind.validity % timedelta(days=1):
        yield "its validity is not a number of whole days"


def _modules() -> Iterator[Any]:
    for found in pkgutil.iter_modules(wallet.utilities.__path__):
        if found.ispkg:
            yield import_module(f"{wallet.utilities.__name__}.{found.name}")
    for point in entry_points(group=ENTRY_POINTS):
        yield import_module(point.module)


def _texts(module: str) -> Any:
    return json.loads(files(module).joinpath("texts.json").read_text(encoding="utf-8"))
