"""Chance, as a value that is handed in. Ids, salts and nonces come from here and from nowhere else."""

import secrets
from typing import Protocol


class Entropy(Protocol):
    """Gives bytes that nobody can guess."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        ...


class SystemEntropy:
    """The operating system's generator."""

    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


def new_id(entropy: Entropy, prefix: str) -> str:
    """Return an opaque id such as `req_3f...`: the prefix and 16 random bytes in hexadecimal."""
    return f"{prefix}_{entropy.bytes(16).hex()}"
