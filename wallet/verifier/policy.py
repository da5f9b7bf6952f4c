"""What this verifier demands beyond authenticity. Source: docs/wire.md, section 3, steps 7 and 8."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The demands of one verifier; without arguments it makes none.

    gate_id: this reader's own gate, if it has one. gate_demanded: a live code must name it (the gate showed a
    challenge). demanded_nonce: the nonce of that challenge; it demands the gate's id too. recipients: the names by
    which this verifier may be a document's recipient. utilities, claims: the codes of utilities and the names of
    claims that are wanted here, None for any.
    """

    gate_id: str | None = None
    gate_demanded: bool = False
    demanded_nonce: bytes | None = None
    recipients: frozenset[str] = frozenset()
    utilities: frozenset[str] | None = None
    claims: frozenset[str] | None = None

    def is_wrong_gate(self, gate_id: str | None, nonce: bytes | None) -> bool:
        """Return whether a live code is not for this gate. A nonce that nobody demanded is ignored."""
        if gate_id is not None and gate_id != self.gate_id:
            return True
        nonce_demanded = self.demanded_nonce is not None
        gate_demanded = self.gate_demanded or (nonce_demanded and self.gate_id is not None)
        return (gate_demanded and gate_id is None) or (nonce_demanded and nonce != self.demanded_nonce)

    def refuses(self, recipient: str | None, utility: str, claim_names: Collection[str | None]) -> bool:
        """Return whether an authentic document is not wanted here.

        claim_names: one for each claim, None for those the trust bundle has no name for: nobody asked for them.
        """
        if recipient is not None:
            names = {unicodedata.normalize("NFC", name) for name in self.recipients}
            if unicodedata.normalize("NFC", recipient) not in names:
                return True
        if self.utilities is not None and utility not in self.utilities:
            return True
        return self.claims is not None and any(name not in self.claims for name in claim_names)
