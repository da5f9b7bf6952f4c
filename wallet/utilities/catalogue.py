"""Finds the utilities: one folder below this package, or one entry point of another package.

Whoever finds a plug-in holds it against the contract. A fault in one of ours stops the start rather than a citizen;
one of somebody else's is left out, loudly, and the rest of the wallet works.
"""

import logging
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points

import wallet.utilities
from wallet.errors import ConfigurationError, UnknownUtility
from wallet.utilities.base import Utility
from wallet.utilities.conformance import NoPlugin, faults_of_declaration, faults_of_package, open_plugin
from wallet.utilities.plugin import LANGUAGES, Plugin

__all__ = ["ENTRY_POINTS", "LANGUAGES", "Catalogue", "LeftOut", "Plugin"]

ENTRY_POINTS = "wallet.utilities"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody else's plug-in that is installed and not used. faults: one sentence each."""

    module: str
    faults: tuple[str, ...]


class Catalogue:
    """Every utility of this deployment, by code."""

    def __init__(self, plugins: Mapping[str, Plugin], left_out: Iterable[LeftOut] = ()) -> None:
        self._plugins = dict(plugins)
        self.left_out = tuple(left_out)

    @classmethod
    def discover(cls) -> "Catalogue":
        """Return the catalogue of what is installed. Raises ConfigurationError naming every fault of ours at once."""
        plugins: dict[str, Plugin] = {}
        problems = []
        for module in own_modules():
            try:
                plugin = open_plugin(module)
            except NoPlugin as error:
                problems.append(f"{module}: {error}")
                continue
            found = [*faults_of_declaration(plugin), *_taken(plugin, plugins)]
            problems += [f"{module}: {fault}" for fault in found]
            plugins[plugin.utility.code] = plugin
        if problems:
            raise ConfigurationError(*problems, mend="wallet utilities check")
        left_out = []
        for module in others_modules():
            found = faults_of_package(module)
            if not found:
                plugin = open_plugin(module)
                found = _taken(plugin, plugins)
            if found:
                left_out.append(LeftOut(module, tuple(found)))
                log.error("utility left out: %s (%s)", module, "; ".join(found))
            else:
                plugins[plugin.utility.code] = plugin
        return cls(plugins, left_out)

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
    def confidential(self) -> frozenset[str]:
        """The codes of those that nobody but their own desk and their holder ever learns of."""
        return frozenset(code for code, plugin in self._plugins.items() if plugin.utility.confidential)

    @cached_property
    def _in_order(self) -> tuple[Plugin, ...]:
        return tuple(self._plugins[code] for code in sorted(self._plugins))


def own_modules() -> Iterator[str]:
    """Yield the folders below this package."""
    for found in pkgutil.iter_modules(wallet.utilities.__path__):
        if found.ispkg:
            yield f"{wallet.utilities.__name__}.{found.name}"


def others_modules() -> Iterator[str]:
    """Yield what other packages registered, each once, in the order of names."""
    yield from sorted({point.module for point in entry_points(group=ENTRY_POINTS)})


def _taken(plugin: Plugin, plugins: Mapping[str, Plugin]) -> list[str]:
    utility = plugin.utility
    found = [f"the code {utility.code} is taken"] if utility.code in plugins else []
    documents = {kind.code for other in plugins.values() for kind in other.utility.documents}
    return found + [f"the document {kind.code} is taken" for kind in utility.documents if kind.code in documents]
