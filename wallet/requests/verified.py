"""What sub-tasks found out, and over which answers: of others than those of now nothing is verified by it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wallet.identity.holders import Holders
from wallet.requests.models import RequestRow, RequestStep
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import Content, open_content
from wallet.requests.steps import DONE, UNFINISHED
from wallet.utilities.answering import still_asked
from wallet.utilities.base import Utility

ENTERED = "entered_already"


@dataclass(frozen=True, slots=True)
class Verified:
    """Reports of sub-tasks, in one transaction."""

    rows: RequestRepository
    holders: Holders

    def report(self, row: RequestRow, code: str, found: Mapping[str, str]) -> dict[str, bytes | None]:
        """Return the columns of a sub-task that ends now: what it found out, and the answers that it was asked over."""
        answers = open_content(self.holders, row).answers
        return {
            "sealed_found": self._seal(row, _found(row, code), found) if found else None,
            "sealed_over": self._seal(row, _over(row, code), answers),
        }

    def changed(self, utility: Utility, row: RequestRow) -> dict[str, frozenset[str]]:
        """Return the sub-tasks that are done over other answers than those of now, each with the fields that differ."""
        done = [step for step in self.rows.steps(row.id) if step.state == DONE]
        if not done:
            return {}
        content, verify = open_content(self.holders, row), {step.code: step for step in utility.steps}
        now, changed = still_asked(utility.form, content.answers), {}
        for step in done:
            before = still_asked(utility.form, self._asked_over(utility, row, step, content))
            names = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
            over = verify[step.code].over if step.code in verify else ()
            if seen := frozenset(name for name in names if not over or name in over):
                changed[step.code] = seen
        return changed

    def entered(self, utility: Utility, row: RequestRow) -> dict[str, str]:
        """Return what a supplement may not change, JSON Pointer to code: answers over which a sub-task is done that
        cannot be done anew."""
        lifecycle = utility.lifecycle
        if lifecycle.verifies_anew or lifecycle.move(row.state, "supplement") is None:
            return {}
        names = {name for fields in self.changed(utility, row).values() for name in fields}
        return dict.fromkeys((f"/answers/{name}" for name in sorted(names)), ENTERED)

    def unfinished(self, utility: Utility, row: RequestRow) -> bool:
        """Return whether a sub-task was begun and is not done: it failed, its request went on without it, or it is done
        over other answers."""
        return any(step.state in UNFINISHED for step in self.rows.steps(row.id)) or bool(self.changed(utility, row))

    def found(self, utility: Utility, row: RequestRow) -> dict[str, dict[str, Any]]:
        """Return what the sub-tasks reported that are done over the answers of now."""
        changed = self.changed(utility, row)
        return {
            step.code: self.found_of(row, step)
            for step in self.rows.steps(row.id)
            if step.state == DONE and step.code not in changed
        }

    def found_of(self, row: RequestRow, step: RequestStep) -> dict[str, Any]:
        """Return what one sub-task reported."""
        return self._open(row, _found(row, step.code), step.sealed_found) if step.sealed_found is not None else {}

    def _asked_over(self, utility: Utility, row: RequestRow, step: RequestStep, content: Content) -> Mapping[str, Any]:
        """Return the answers over which a sub-task is done.

        Of one that was done before they were kept nobody knows: it is taken to be over those that were sent first. What
        is over is as it was.
        """
        if step.sealed_over is not None:
            return self._open(row, _over(row, step.code), step.sealed_over)
        return content.answers if content.sent is None or row.state in utility.lifecycle.final else content.sent

    def _seal(self, row: RequestRow, place: str, values: Mapping[str, Any]) -> bytes:
        return self.holders.seal(row.holder_id, place, json.dumps(dict(values), ensure_ascii=False).encode())

    def _open(self, row: RequestRow, place: str, sealed: bytes) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(self.holders.unseal(row.holder_id, place, sealed))
        return opened


def _found(row: RequestRow, code: str) -> str:
    return f"{row.id}.{code}"


def _over(row: RequestRow, code: str) -> str:
    return f"{row.id}.{code}.over"
