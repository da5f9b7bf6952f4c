"""Finds the utilities: one folder below this package, or one entry point of another package.

Whoever finds a plug-in holds it against the contract. A fault in one of ours stops the start rather than a citizen;
one of somebody else's is left out, loudly, and the rest of the wallet works.
"""

import logging
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points

import wallet.utilities
from wallet.errors import ConfigurationError, UnknownUtility
from wallet.terms import Actor
from wallet.texts.catalogue import both, catalogue
from wallet.utilities.base import FOUR_EYES, REVIEWED, DocumentType, Utility
from wallet.utilities.conformance import NoPlugin, faults_of_declaration, faults_of_package, open_plugin
from wallet.utilities.plugin import LANGUAGES, Plugin

__all__ = ["ENTRY_POINTS", "LANGUAGES", "Catalogue", "LeftOut", "Plugin", "may_learn", "only_for"]

ENTRY_POINTS = "wallet.utilities"
FOUR_EYES_SETTING = "WALLET_FOUR_EYES"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody else's plug-in that is installed and not used. faults: one sentence each."""

    module: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """What a catalogue holds at one moment. former: older versions of what is defined as data."""

    plugins: Mapping[str, Plugin]
    in_order: tuple[Plugin, ...]
    former: tuple[Plugin, ...]
    left_out: tuple[LeftOut, ...]
    confidential: frozenset[str]
    revision: int


class Catalogue:
    """Every utility of this deployment, by code: what is installed, and what was defined as data since.

    What is defined comes in while the process runs; everything it holds is replaced at once, so that nobody sees half.
    """

    def __init__(self, plugins: Mapping[str, Plugin], left_out: Iterable[LeftOut] = ()) -> None:
        self._built_in = dict(plugins)
        self._left_out = tuple(left_out)
        self._look: Callable[[], None] | None = None
        self._held_now = self._hold({}, (), (), 0)

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

    def anew(self) -> "Catalogue":
        """Return another catalogue of what is installed, without looking for it again and with nothing defined."""
        return Catalogue(self._built_in, self._left_out)

    def with_second_officers(self, codes: Iterable[str]) -> "Catalogue":
        """Return another catalogue of what is installed, in which two officers sign what these utilities issue.

        Raises ConfigurationError for every code that is not installed, or that one officer does not decide about.
        """
        plugins, problems = dict(self._built_in), []
        for code in codes:
            plugin = plugins.get(code)
            if plugin is None:
                problems.append(f"{FOUR_EYES_SETTING}: {code} is not installed")
            elif plugin.utility.lifecycle not in (REVIEWED, FOUR_EYES):
                problems.append(
                    f"{FOUR_EYES_SETTING}: {code} is {plugin.utility.lifecycle.code}, not {REVIEWED.code}: "
                    "no officer approves it"
                )
            else:
                plugins[code] = replace(plugin, utility=replace(plugin.utility, lifecycle=FOUR_EYES))
        if problems:
            raise ConfigurationError(*problems, mend="wallet utilities list")
        return Catalogue(plugins, self._left_out)

    def get(self, code: str) -> Utility:
        """Return one utility. Raises UnknownUtility."""
        return self.plugin(code).utility

    def plugin(self, code: str) -> Plugin:
        """Return one utility with its texts. Raises UnknownUtility."""
        found = self.find(code)
        if found is None:
            raise UnknownUtility("unknown_utility")
        return found

    def find(self, code: str) -> Plugin | None:
        """Return one utility with its texts, None for one that is not there: of a package that was taken away, too."""
        return self._held.plugins.get(code)

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._held.in_order)

    @property
    def open_to_wards(self) -> frozenset[str]:
        """The codes of those that a guardian may learn of. What is not there any more may have been confidential."""
        held = self._held
        return frozenset(held.plugins) - held.confidential

    @property
    def with_former(self) -> tuple[Plugin, ...]:
        """Every utility, then older versions of what is defined: their documents are still about."""
        held = self._held
        return (*held.in_order, *held.former)

    def issued(self, kind: str, version: int) -> tuple[Plugin, DocumentType] | None:
        """Return one version of a kind of document with its utility; None for one that no utility has any more."""
        for plugin in self.with_former:
            for document in plugin.utility.documents:
                if (document.code, document.version) == (kind, version):
                    return plugin, document
        return None

    def agency_words(self, utility: str, agency: str) -> dict[str, str]:
        """Return what an agency is called to which something of a utility was sent once, in both languages.

        As the utility names it today, else as the newest former version of it that did, else as the wallet does, else
        its code: no paper and no page fails for want of a word.
        """
        held = self._held
        former = (plugin for plugin in reversed(held.former) if plugin.utility.code == utility)
        for plugin in (held.plugins.get(utility), *former):
            if plugin is not None and all(agency in plugin.texts[each].get("agencies", {}) for each in LANGUAGES):
                return plugin.words("agencies", agency)
        known = agency in catalogue(LANGUAGES[0])["agencies"]
        return both("agencies", agency) if known else dict.fromkeys(LANGUAGES, agency)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return self._held.left_out

    @property
    def revision(self) -> int:
        """A number that rises whenever the catalogue changes."""
        return self._held.revision

    def is_built_in(self, code: str) -> bool:
        """Return whether a utility, or a document of one, that is installed has this code."""
        return code in self._built_in or code in _documents(self._built_in.values())

    def follow(self, look: Callable[[], None]) -> None:
        """Have `look` called whenever something is looked up; it calls `declare` when there is something new."""
        self._look = look

    def declare(self, defined: Iterable[tuple[Plugin, ...]], left_out: Iterable[LeftOut] = ()) -> None:
        """Hold these definitions beside what is installed. defined: of each code its versions, oldest first.

        One whose code is that of an installed utility is left out.
        """
        newest: dict[str, Plugin] = {}
        former: list[Plugin] = []
        out = list(left_out)
        for versions in defined:
            code = versions[-1].utility.code
            if self.is_built_in(code):
                out.append(LeftOut(f"definition {code}", (f"the code {code} is taken",)))
                continue
            newest[code] = versions[-1]
            former += versions[:-1]
        self._held_now = self._hold(newest, tuple(former), tuple(out), self._held_now.revision + 1)

    @property
    def _held(self) -> _Held:
        if self._look is not None:
            self._look()
        return self._held_now

    def _hold(
        self, defined: Mapping[str, Plugin], former: tuple[Plugin, ...], left_out: tuple[LeftOut, ...], revision: int
    ) -> _Held:
        plugins = {**self._built_in, **defined}
        in_order = tuple(plugins[code] for code in sorted(plugins))
        secret = frozenset(code for code, plugin in plugins.items() if plugin.utility.confidential)
        return _Held(plugins, in_order, former, (*self._left_out, *left_out), secret, revision)


def only_for(actor: Actor, open_to_wards: frozenset[str]) -> frozenset[str] | None:
    """Return of which utilities a caller may learn; None, of all there ever were, for who is nobody's guardian."""
    return None if actor.acting_for is None else open_to_wards


def may_learn(actor: Actor, utility: str, open_to_wards: frozenset[str]) -> bool:
    """Return whether a caller may learn of what was asked of a utility, be it there or not."""
    only = only_for(actor, open_to_wards)
    return only is None or utility in only


def own_modules() -> Iterator[str]:
    """Yield the folders below this package."""
    for found in pkgutil.iter_modules(wallet.utilities.__path__):
        if found.ispkg:
            yield f"{wallet.utilities.__name__}.{found.name}"


def others_modules() -> Iterator[str]:
    """Yield what other packages registered, each once, in the order of names."""
    yield from sorted({point.module for point in entry_points(group=ENTRY_POINTS)})


def _taken(plugin: Plugin, plugins: Mapping[str, Plugin]) -> list[str]:
    utility, documents = plugin.utility, _documents(plugins.values())
    found = [f"the code {utility.code} is taken"] if utility.code in plugins else []
    return found + [f"the document {kind.code} is taken" for kind in utility.documents if kind.code in documents]


def _documents(plugins: Iterable[Plugin]) -> set[str]:
    return {kind.code for plugin in plugins for kind in plugin.utility.documents}
