"""The reader's half of selective disclosure: digests become the claims that were shown, everything else goes.

Source: RFC 9901, sections 7.1 (3 to 5) and 7.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wallet.errors import Malformed
from wallet.formats.disclosures import ELEMENT, HASH, HASHES, MAX_DEPTH, SD, SD_ALG, Disclosure

Path = tuple[str | int | None, ...]
"""Where a claim is: names of members and places in arrays; None stands for every element.

Source: draft-ietf-oauth-sd-jwt-vc-19, claim path of the type metadata.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a disclosure belongs, once everything that came with it is in its place."""

    path: Path
    disclosure: Disclosure


@dataclass(frozen=True, slots=True)
class Revealed:
    """What a payload says with its disclosures. places: every disclosure, what holds others before them."""

    claims: dict[str, Any]
    places: tuple[Place, ...]


def hash_of(payload: Mapping[str, Any]) -> str:
    """Return the name of the hash that a payload's digests are made with. Raises Malformed for one that is unknown.

    Source: RFC 9901, sections 4.1.1 and 7.1 (2.4).
    """
    algorithm = payload.get(SD_ALG, HASH)
    if not isinstance(algorithm, str) or algorithm not in HASHES:
        raise Malformed("an _sd_alg that is not known")
    return algorithm


def reveal(payload: Mapping[str, Any], disclosures: Sequence[Disclosure]) -> Revealed:
    """Return the processed payload.

    Raises Malformed when the hash is unknown; when a digest stands there twice, or a disclosure; when a disclosure
    belongs nowhere, is one of a member where an element is missing or the other way round, or would take the place of a
    claim; for a reserved name; and for what is nested deeper than `MAX_DEPTH`. Source: RFC 9901, section 7.1 (3 to 5).
    """
    algorithm = hash_of(payload)
    by_digest = {disclosure.digest(algorithm): disclosure for disclosure in disclosures}
    if len(by_digest) != len(disclosures):
        raise Malformed("a disclosure stands there twice")
    pass_over = _Revealing(by_digest)
    claims = pass_over.members(payload, (), 0)
    if len(pass_over.places) != len(disclosures):
        raise Malformed("a disclosure that belongs nowhere")
    return Revealed(claims, tuple(pass_over.places))


def chosen(revealed: Revealed, wanted: Iterable[Path]) -> list[Disclosure]:
    """Return the disclosures that show what is wanted: each on the way to it, and all that it holds.

    Raises Malformed when a path leads nowhere. Source: RFC 9901, section 7.2 (2).
    """
    paths = tuple(wanted)
    if not all(_leads_somewhere(revealed.claims, path) for path in paths):
        raise Malformed("nothing can be shown there")
    return [place.disclosure for place in revealed.places if any(_on_the_way(place.path, path) for path in paths)]


@dataclass(slots=True)
class _Revealing:
    """One pass over one payload: the digests that were met, and where each disclosure went."""

    by_digest: Mapping[str, Disclosure]
    met: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)

    def value(self, value: Any, path: Path, depth: int) -> Any:
        if isinstance(value, dict):
            return self.members(value, path, depth)
        return self.elements(value, path, depth) if isinstance(value, list) else value

    def members(self, node: Mapping[str, Any], path: Path, depth: int) -> dict[str, Any]:
        _refuse_depth(depth)
        if ELEMENT in node:
            raise Malformed("a reserved name")
        top = not path
        found = {
            name: self.value(value, (*path, name), depth + 1)
            for name, value in node.items()
            if name != SD and not (top and name == SD_ALG)
        }
        for digest in self.digests(node):
            disclosure = self.take(digest)
            if disclosure is None:
                continue
            name = disclosure.name
            if name is None:
                raise Malformed("an element where a claim is missing")
            if name in found or (top and name == SD_ALG):
                raise Malformed("a disclosure that would take the place of a claim")
            self.places.append(Place((*path, name), disclosure))
            found[name] = self.value(disclosure.value, (*path, name), depth + 1)
        return found

    def elements(self, node: list[Any], path: Path, depth: int) -> list[Any]:
        _refuse_depth(depth)
        found: list[Any] = []
        for element in node:
            here = (*path, len(found))
            if not isinstance(element, dict) or ELEMENT not in element:
                found.append(self.value(element, here, depth + 1))
                continue
            digest = element[ELEMENT]
            if len(element) != 1 or not isinstance(digest, str):
                raise Malformed("an element that is no digest")
            disclosure = self.take(digest)
            if disclosure is None:
                continue
            if disclosure.name is not None:
                raise Malformed("a claim where an element is missing")
            self.places.append(Place(here, disclosure))
            found.append(self.value(disclosure.value, here, depth + 1))
        return found

    def digests(self, node: Mapping[str, Any]) -> list[str]:
        digests = node.get(SD, [])
        if not isinstance(digests, list) or not all(isinstance(digest, str) for digest in digests):
            raise Malformed("_sd is no list of digests")
        return digests

    def take(self, digest: str) -> Disclosure | None:
        """Return the disclosure that a digest stands for; None for a decoy, and for what is not shown."""
        if digest in self.met:
            raise Malformed("a digest stands there twice")
        self.met.add(digest)
        return self.by_digest.get(digest)


def _refuse_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise Malformed("claims nested too deeply")


def _on_the_way(path: Path, wanted: Path) -> bool:
    """Return whether a claim holds what is wanted, is it, or is held by it."""
    steps = zip(path, wanted, strict=False)
    return all(step == other or (other is None and isinstance(step, int)) for step, other in steps)


def _leads_somewhere(value: Any, path: Path) -> bool:
    if not path:
        return True
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        return isinstance(value, dict) and step in value and _leads_somewhere(value[step], rest)
    if not isinstance(value, list):
        return False
    if step is None:
        return any(_leads_somewhere(element, rest) for element in value)
    return 0 <= step < len(value) and _leads_somewhere(value[step], rest)
