"""A draft, or what is to be supplemented, before it is sent: what is missing, what it costs, by when it is answered."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from wallet.clock import Clock
from wallet.errors import InvalidInput
from wallet.requests.applying import faults_beside
from wallet.requests.deadlines import due_at
from wallet.requests.lifecycle import Requests
from wallet.requests.models import RequestRow
from wallet.requests.orders import FeeLineView, Preview
from wallet.requests.sealed import open_content
from wallet.requests.weighing import Weighed, Weighing
from wallet.terms import Actor
from wallet.utilities.answering import plain
from wallet.utilities.base import Utility
from wallet.utilities.lifecycles import DRAFT
from wallet.utilities.plugin import in_words_of
from wallet.utilities.stating import claims_of
from wallet.working_days import WorkingDays, vietnamese_day

PURPOSE = "preview_request"


@dataclass(frozen=True, slots=True)
class Previewing:
    """Looks ahead, in one transaction; the only trace is the record of what registers were read for it."""

    requests: Requests
    weighing: Weighing
    clock: Clock
    calendar: WorkingDays

    def preview(self, request_id: str, actor: Actor) -> Preview:
        """Return what would come of a request if it were sent now.

        Raises NotFound, Conflict("not_editable", "not_linked"), and what sending it raises of who may and when.
        """
        row, utility = self.requests.editable(request_id, actor)
        self.weighing.rows.let_go(row)  # what is held against it is written nowhere
        self.requests.assert_may_send(utility, row, actor, first=row.state == DRAFT)
        due = self._due(utility, row)
        content = open_content(self.requests.holders, row)
        try:
            beside = faults_beside(row, content.about)
            weighed = self.weighing.weigh(utility, row, content, actor, beside=beside, purpose=PURPOSE)
            self.requests.agreements.wanted(utility, row, weighed.told)
            expected = self._expected(utility, weighed, due)
        except InvalidInput as error:
            words_of = {pointer: error.speaks(pointer) for pointer in error.fields}
            return Preview(ready=False, due_at=due, faults=error.fields, words_of=words_of)
        return Preview(
            ready=True,
            due_at=due,
            fee=tuple(FeeLineView(line.code, line.amount) for line in weighed.fee.lines),
            warnings=weighed.warnings,
            expected=expected,
        )

    def _due(self, utility: Utility, row: RequestRow) -> datetime | None:
        """Return by when the office would have to answer. What costs something counts from when it is paid, what
        somebody else is asked to agree to from when they do.
        """
        if row.state not in utility.lifecycle.waiting:
            return None
        return due_at(self.weighing.cases.rules(utility, row).deadline, self.clock.now(), self.calendar)

    def _expected(self, utility: Utility, weighed: Weighed, due: datetime | None) -> dict[str, Any]:
        """Return the claims that a draft shows, as its document would state them.

        Whoever has yet to prove that they may act for the person learns none.
        """
        if not utility.previews or weighed.told.case.unproven:
            return {}
        facts = {**weighed.told.case.request, "submitted_at": self.clock.now().replace(microsecond=0)}
        if due is not None:
            facts["due_on"] = vietnamese_day(due - timedelta(seconds=1))
        case = replace(weighed.told.case, request=facts)
        with in_words_of(utility):
            claims = claims_of(utility.document_of(case), case)
        return {name: plain(claims[name]) for name in utility.previews if name in claims}
