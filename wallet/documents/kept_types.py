"""What kinds of document said of themselves, kept for good: a document outlives the release that issued it.

Of each version of a kind there is its type metadata byte for byte, whose hash documents carry (`vct#integrity`), and
its entry in the trust bundle, by which verifiers name what they read. It is stored in the transaction that stores what
names it, and never changed nor dropped. Source: docs/decisions/0026.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from wallet.clock import Clock
from wallet.documents.forms.type_metadata import addressed, metadata_of
from wallet.documents.models import TypeMetadataRow
from wallet.documents.repository import TypeRepository
from wallet.errors import NotFound, Unavailable
from wallet.formats.trust_bundle import ClaimEntry, TypeEntry, type_from_json, type_json
from wallet.utilities.base import DocumentType, Kind
from wallet.utilities.plugin import LANGUAGES, Plugin

Opening = Callable[[], AbstractContextManager[TypeRepository]]


class KeptType(NamedTuple):
    """One version of a kind. metadata: as it is served at its `vct`. entry: what the bundle says of it."""

    metadata: bytes
    entry: TypeEntry


@dataclass
class KeptTypes:
    """What is kept, as far as this process has read it: of what was committed alone. One for each process."""

    reading: Opening
    issuer_url: str
    clock: Clock
    _known: dict[tuple[str, int], KeptType] = field(default_factory=dict)
    _looked: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, rows: TypeRepository, plugin: Plugin, kind: DocumentType) -> None:
        """Store what a kind says of itself, unless it is stored; what is stored stays."""
        if (kind.code, kind.version) not in self._known:
            rows.add(
                TypeMetadataRow(
                    kind=kind.code,
                    version=kind.version,
                    content=metadata_of(plugin, kind, self.issuer_url),
                    bundle_entry=type_json(entry_of(plugin, kind)),
                    stored_at=self.clock.now(),
                )
            )

    def metadata(self, kind: str, version: int) -> bytes:
        """Return the metadata of one version, as it was kept, at the address that this service has now.

        A service that has moved serves it under another `vct`: what it issues from then on names that. Raises NotFound,
        Unavailable.
        """
        if (kind, version) not in self._known:
            self.refresh()
        kept = self._known.get((kind, version))
        if kept is None:
            raise NotFound("not_found")
        return addressed(kept.metadata, self.issuer_url, kind, version)

    def served(self, plugin: Plugin, kind: DocumentType) -> bytes:
        """Return the metadata of a kind that is installed: as it was kept first, for documents have the hash of that.

        What is installed says it where nothing is kept, or while nobody can tell.
        """
        with suppress(NotFound, Unavailable):
            return self.metadata(kind.code, kind.version)
        return metadata_of(plugin, kind, self.issuer_url)

    def changed(self, installed: Iterable[Plugin]) -> list[str]:
        """Return the kinds, as `code/version`, whose installed words are others than those that were kept of them.

        It is a fault of the plug-in: other words are another version. What was kept goes on to be served.
        """
        kinds = [(plugin, kind) for plugin in installed for kind in plugin.utility.documents]
        return [
            f"{kind.code}/{kind.version}"
            for plugin, kind in kinds
            if self.served(plugin, kind) != metadata_of(plugin, kind, self.issuer_url)
        ]

    def refresh(self) -> None:
        """Read what was stored since. Raises Unavailable."""
        with self.reading() as rows:
            new = rows.but(self._known)
        read = {(row.kind, row.version): KeptType(row.content, type_from_json(row.bundle_entry)) for row in new}
        with self._lock:
            self._known = {**self._known, **read}  # another one: threads go through the one before meanwhile
        self._looked = True

    @property
    def revision(self) -> int:
        """A number that rises whenever more is known. While the database is away for a start, nothing is."""
        if not self._looked:
            with suppress(Unavailable):
                self.refresh()
        return len(self._known)

    def entries(self, installed: Iterable[Plugin]) -> tuple[TypeEntry, ...]:
        """Return what a bundle says of every kind, installed or kept, by code and version.

        In this order processes of two releases that serve side by side say the same.
        """
        found = {place: kept.entry for place, kept in self._known.items()}
        found |= {(entry.code, entry.version): entry for entry in _entries(installed)}
        return tuple(found[place] for place in sorted(found))


def entry_of(plugin: Plugin, kind: DocumentType) -> TypeEntry:
    """Return what a bundle says of a kind. Source: docs/wire.md, section 4."""
    claims = tuple(
        ClaimEntry(claim.number, claim.name, plugin.label(claim.name), str(claim.kind))
        for claim in kind.claims
        if claim.kind is not Kind.RECORDS
    )
    return TypeEntry(kind.code, kind.version, {language: kind.title[language] for language in LANGUAGES}, claims)


def _entries(plugins: Iterable[Plugin]) -> Iterator[TypeEntry]:
    for plugin in plugins:
        for kind in plugin.utility.documents:
            yield entry_of(plugin, kind)
