"""Rows of a spreadsheet on their way into a request: held against all that sending would refuse, and kept if asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wallet.audit import Audit
from wallet.errors import InvalidInput, NotAllowed, NotFound, PreconditionFailed, Unavailable
from wallet.identity.holders import Holders
from wallet.requests.importing import Report, report
from wallet.requests.lifecycle import Requests
from wallet.requests.models import RequestRow
from wallet.requests.sealed import Content, open_content
from wallet.requests.spreadsheets import Sheet
from wallet.requests.weighing import Weighing
from wallet.terms import Actor
from wallet.utilities.answering import parse
from wallet.utilities.base import Field, Utility
from wallet.utilities.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file. whole: whether the good rows were held against all that the utility refuses, which needs the
    other answers. others: what is wrong with those, JSON Pointer to code. applied: how many rows were kept."""

    report: Report
    whole: bool
    others: Mapping[str, str]
    applied: int


@dataclass(frozen=True, slots=True)
class Imports:
    """Imports, in one transaction."""

    requests: Requests
    weighing: Weighing
    catalogue: Catalogue
    holders: Holders
    audit: Audit

    def take(
        self, request_id: str, name: str, sheet: Sheet, version: int | None, actor: Actor, *, apply: bool
    ) -> Imported:
        """Check every row; `apply` puts the good ones in the place of what the field held.

        version: of the request as the caller saw it; None where that does not matter, for a look alone.
        Raises NotFound for a request that is not the caller's or a field that takes no spreadsheet,
        Conflict("not_editable"), PreconditionFailed, InvalidInput("/file": ...).
        """
        row, utility = self.requests.editable(request_id, actor)
        question = importable_field(utility, name)
        if version is not None and row.version != version:
            raise PreconditionFailed("version_changed")
        check = _Check(self.weighing, utility, row, open_content(self.holders, row), question, actor)
        found = report(sheet, question, self.catalogue.plugin(utility.code), check.row, check.all)
        applied = len(found.answers) if apply else 0
        if applied:
            rows = [dict(answers) for answers in found.answers]
            self.requests.edit(request_id, {question.name: rows}, row.version, actor)
            self.audit.record("request.rows_imported", actor, request_id, field=question.name, rows=applied)
        return Imported(found, check.whole, check.others, applied)


def importable_field(utility: Utility, name: str) -> Field:
    """Return a field that takes a spreadsheet. Raises NotFound."""
    found = next((each for each in utility.form if each.name == name and each.importable), None)
    if found is None:
        raise NotFound("not_found")
    return found


@dataclass(slots=True)
class _Check:
    """What is wrong with rows: by themselves by the form, all together by the utility."""

    weighing: Weighing
    utility: Utility
    request: RequestRow
    content: Content
    question: Field
    actor: Actor
    whole: bool = False
    others: dict[str, str] = field(default_factory=dict)

    def row(self, raw: Mapping[str, Any]) -> dict[str, str]:
        try:
            parse(self.question.fields, raw, prefix="")
        except InvalidInput as error:
            return {pointer.split("/")[1]: code for pointer, code in error.fields.items()}
        return {}

    def all(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], str]:
        """Hold good rows against the utility, as if they were sent now with the other answers of the draft."""
        if not rows:
            return {}
        answers = {**self.content.answers, self.question.name: [dict(each) for each in rows]}
        content = replace(self.content, answers=answers)
        try:
            told, faults = self.weighing.hold(self.utility, self.request, content, self.actor)
        except (NotAllowed, Unavailable):
            return {}  # whoever sends it is told; a list can be checked while a register is down
        self.whole = told is not None
        return self._of_rows(faults.fields)

    def _of_rows(self, faults: Mapping[str, str]) -> dict[tuple[int, str], str]:
        found = {}
        start = f"/answers/{self.question.name}/"
        for pointer, code in faults.items():
            steps = pointer.removeprefix(start).split("/")
            if pointer.startswith(start) and len(steps) > 1:
                found[int(steps[0]), steps[1]] = code
            else:
                self.others[pointer] = code
        return found
