"""The issuer's half of selective disclosure: every claim, and every part of one, becomes a digest.

Lists of digests are filled up with decoys. Without them their length would tell what the claims beside it do not say:
how many convictions there are, or that a claim which not everybody has is missing.
Source: RFC 9901, sections 4.2.4, 4.2.5 and 6.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wallet.entropy import Entropy
from wallet.formats.disclosures import ELEMENT, SD, Disclosure, decoy, hide_element, hide_member

ELEMENTS_IN_STEPS_OF = 4
"""An array has a multiple of so many digests: how many of them are elements, only those tell that are shown."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What comes of hiding claims.

    names: of the claims. digests: in an order that tells nothing. disclosures: each before the one that holds it.
    """

    names: frozenset[str]
    digests: list[str]
    disclosures: tuple[Disclosure, ...]


def hide(
    claims: Mapping[str, Any], entropy: Entropy, *, members: int = 0, parts: Mapping[str, int] | None = None
) -> Hidden:
    """Return the digests of claims, each of them, each of their elements and each of their parts on its own.

    members: so many claims there may be at most. parts: by claim, so many parts an object in its array may have. A list
    of digests of an object is filled up to that. Raises Malformed for a reserved name.
    """
    hiding = _Hiding(entropy)
    digests = hiding.members(claims, members, parts or {})
    return Hidden(frozenset(claims), digests, tuple(hiding.made))


@dataclass(slots=True)
class _Hiding:
    """One pass over the claims of one document."""

    entropy: Entropy
    made: list[Disclosure] = field(default_factory=list)

    def members(self, claims: Mapping[str, Any], at_least: int, parts: Mapping[str, int]) -> list[str]:
        digests = []
        for name, value in claims.items():
            hidden = hide_member(name, self.value(value, parts.get(name, 0)), self.entropy)
            self.made.append(hidden)
            digests.append(hidden.digest())
        digests += [decoy(self.entropy) for _ in range(at_least - len(digests))]
        return sorted(digests)  # digests have no order of their own: sorted, they keep none of the claims'

    def value(self, value: Any, parts: int) -> Any:
        if isinstance(value, Mapping):
            return {SD: self.members(value, parts, {})}
        if isinstance(value, (list, tuple)):
            return self.elements(value, parts)
        return value

    def elements(self, values: list[Any] | tuple[Any, ...], parts: int) -> list[dict[str, str]]:
        digests = []
        for value in values:
            hidden = hide_element(self.value(value, parts), self.entropy)
            self.made.append(hidden)
            digests.append(hidden.digest())
        room = max(-(-len(digests) // ELEMENTS_IN_STEPS_OF), 1) * ELEMENTS_IN_STEPS_OF
        # Last, so that the place of an element is the same to who sees all of them and to who sees one.
        digests += [decoy(self.entropy) for _ in range(room - len(digests))]
        return [{ELEMENT: digest} for digest in digests]
