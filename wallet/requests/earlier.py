"""What somebody sent to a utility before, as its plug-in sees it: opened as far as it is looked at, and no further.

A hotel sends many notices of many guests each, and what it sends next is weighed while everybody else waits to write:
what nobody asks about is neither read nor unsealed nor parsed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

from wallet.requests.models import RequestRow
from wallet.utilities.answering import recall
from wallet.utilities.base import Ask, Field

MOST_RECORDS = 200
"""How many records inside earlier answers can be looked at, those of the newest requests first: as many as one notice
may have, so that what was sent before makes nobody wait longer than what is sent now."""

Request = Mapping[str, Any]


@dataclass
class _Left:
    """How many records may still be looked at."""

    records: int = MOST_RECORDS


class Earlier(Sequence[Request]):
    """Earlier requests, the newest first: each has `state`, `submitted_at` and `answers`."""

    def __init__(
        self,
        form: tuple[Field, ...],
        find: Callable[[], Sequence[RequestRow]],
        unseal: Callable[[RequestRow], Mapping[str, Any]],
    ) -> None:
        """find: the requests, once one is looked at. unseal: what one of them answered, as it was typed."""
        self._form, self._find, self._unseal = form, find, unseal

    @cached_property
    def _requests(self) -> tuple[Request, ...]:
        left = _Left()
        return tuple(self._request(row, left) for row in self._find())

    def _request(self, row: RequestRow, left: _Left) -> Request:
        answers = _Recalled(self._form, lambda: self._unseal(row), left)
        return {"state": row.state, "submitted_at": row.submitted_at, "answers": answers}

    @overload
    def __getitem__(self, index: int) -> Request: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Request]: ...

    def __getitem__(self, index: int | slice) -> Request | Sequence[Request]:
        return self._requests[index]

    def __len__(self) -> int:
        return len(self._requests)


class _Recalled(Mapping[str, Any]):
    """Answers of before, as far as today's form can read them (`recall`); records of a field once it is looked at."""

    def __init__(self, form: tuple[Field, ...], unseal: Callable[[], Mapping[str, Any]], left: _Left) -> None:
        self._single = tuple(field for field in form if field.kind is not Ask.RECORDS)
        self._repeated = {field.name: field for field in form if field.kind is Ask.RECORDS}
        self._unseal, self._left = unseal, left
        self._found: dict[str, Mapping[str, Any]] = {}

    @cached_property
    def _typed(self) -> Mapping[str, Any]:
        return self._unseal()

    @cached_property
    def _plain(self) -> Mapping[str, Any]:
        return recall(self._single, self._typed)

    def _records(self, field: Field) -> Mapping[str, Any]:
        """Return the field with its records, as many as are left; nothing where it was not answered readably."""
        typed = self._typed.get(field.name)
        if not isinstance(typed, list) or not self._left.records:
            return {}
        kept = typed[: self._left.records]
        self._left.records -= len(kept)
        found = recall((*self._single, field), {**self._typed, field.name: kept})
        return {field.name: found[field.name]} if field.name in found else {}

    def __getitem__(self, name: str) -> Any:
        field = self._repeated.get(name)
        if field is None:
            return self._plain[name]
        if name not in self._found:
            self._found[name] = self._records(field)
        return self._found[name][name]

    def __iter__(self) -> Iterator[str]:
        yield from self._plain
        yield from (name for name in self._repeated if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
