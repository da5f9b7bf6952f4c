"""What is wrong with a request, gathered from whoever finds something, so that it is told in one answer."""

from collections.abc import Mapping

from wallet.errors import InvalidInput
from wallet.utilities.base import Utility


class Faults:
    """Faults by JSON Pointer. Of two about one place the first stands.

    utility: whose plug-in may find some too; those are told in its words.
    """

    def __init__(self, utility: Utility) -> None:
        self.utility = utility.code
        self.fields: dict[str, str] = {}
        self._ours: set[str] = set()
        self._refusals: list[InvalidInput] = []

    def __bool__(self) -> bool:
        return bool(self.fields)

    def add(self, fields: Mapping[str, str]) -> None:
        """Add what the wallet found."""
        self._ours |= fields.keys() - self.fields.keys()
        self.fields = {**fields, **self.fields}

    def add_refusal(self, refusal: InvalidInput) -> None:
        """Add what the plug-in found."""
        self._refusals.append(refusal)
        self.fields = {**refusal.fields, **self.fields}

    def error(self) -> InvalidInput:
        """Return the refusal with all of it: the plug-in's own where nobody else found anything."""
        kinds = {refusal.code: refusal for refusal in self._refusals}
        if len(kinds) == 1 and not self._ours:
            (error,) = kinds.values()
        else:
            error = InvalidInput({})
        error.fields, error.ours = dict(self.fields), frozenset(self._ours)
        error.utility = self.utility if self._refusals else ""
        return error
