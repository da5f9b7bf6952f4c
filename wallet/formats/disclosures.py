"""One disclosure: a claim and its salt, apart from the JWT that carries its digest. Source: RFC 9901, section 4.2."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wallet.crypto.jws import b64url_decode, b64url_encode, compact_json, json_value
from wallet.entropy import Entropy
from wallet.errors import Malformed

SALT_BYTES = 16
"""What RFC 9901, section 9.3, recommends at least."""

DIGEST_BYTES = 32
HASH = "sha-256"
"""What is written; a reader takes any of `HASHES`."""

HASHES: dict[str, Callable[[bytes], Any]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
"""By the names of the IANA registry of named information hashes. Source: RFC 9901, section 4.1.1."""

SD = "_sd"
ELEMENT = "..."
SD_ALG = "_sd_alg"
RESERVED = frozenset({SD, ELEMENT})
"""Names that no claim may have. Source: RFC 9901, section 4.2.1."""

MAX_DEPTH = 32
"""How deeply claims may be nested: each object, each array, and each disclosure within another counts one."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A claim that may be shown or not. text: as it is exchanged and hashed. name: None for an element of an array."""

    text: str
    name: str | None
    value: Any

    def digest(self, algorithm: str = HASH) -> str:
        """Return the digest over the text as it was exchanged. Source: RFC 9901, section 4.2.3."""
        return digest_of(self.text, algorithm)


def hide_member(name: str, value: Any, entropy: Entropy) -> Disclosure:
    """Return the disclosure of a member of an object, with a salt of its own. Source: RFC 9901, section 4.2.1."""
    if name in RESERVED:
        raise Malformed(f"a claim cannot be named {name}")
    return Disclosure(_written([_salt(entropy), name, value]), name, value)


def hide_element(value: Any, entropy: Entropy) -> Disclosure:
    """Return the disclosure of an element of an array, with a salt of its own. Source: RFC 9901, section 4.2.2."""
    return Disclosure(_written([_salt(entropy), value]), None, value)


def decoy(entropy: Entropy) -> str:
    """Return a digest that nothing has: it looks like that of a claim that is not shown. Source: RFC 9901, 4.2.5."""
    return b64url_encode(hashlib.sha256(entropy.bytes(DIGEST_BYTES)).digest()).decode("ascii")


def read_disclosure(text: str) -> Disclosure:
    """Return the disclosure that `text` is.

    Raises Malformed unless it is the base64url of a JSON array of a salt, a name that a claim may have, and a value, or
    of a salt and a value; and for text and numbers that JSON can spell and nothing can carry on.
    Source: RFC 9901, sections 4.2.1, 4.2.2 and 7.1 (3).
    """
    items = json_value(b64url_decode(text))
    if not isinstance(items, list) or len(items) not in (2, 3) or not isinstance(items[0], str):
        raise Malformed("not a disclosure")
    refuse_unspeakable(items)
    if len(items) == 2:
        return Disclosure(text, None, items[1])
    if not isinstance(items[1], str):
        raise Malformed("a disclosure without a name")
    if items[1] in RESERVED:
        raise Malformed("a disclosure with a reserved name")
    return Disclosure(text, items[1], items[2])


def digest_of(text: str, algorithm: str = HASH) -> str:
    """Return the base64url of the hash over ASCII text. algorithm: one of `HASHES`. Source: RFC 9901, 4.2.3."""
    return b64url_encode(HASHES[algorithm](text.encode("ascii")).digest()).decode("ascii")


def refuse_unspeakable(value: Any, depth: int = 0) -> None:
    """Raise Malformed for what is nested too deeply, for lone surrogates, and for numbers without an end.

    JSON can spell a lone surrogate and a number of any size; UTF-8, a database and other readers cannot hold them.
    """
    if isinstance(value, (dict, list)):
        if depth >= MAX_DEPTH:
            raise Malformed("claims nested too deeply")
        for inner in (*value.keys(), *value.values()) if isinstance(value, dict) else value:
            refuse_unspeakable(inner, depth + 1)
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Malformed("text with half a character") from error
    elif isinstance(value, float) and not math.isfinite(value):
        raise Malformed("a number without an end")


def _salt(entropy: Entropy) -> str:
    return b64url_encode(entropy.bytes(SALT_BYTES)).decode("ascii")


def _written(items: list[Any]) -> str:
    return b64url_encode(compact_json(items)).decode("ascii")
