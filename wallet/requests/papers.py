"""The papers that an office owes whoever applies: a receipt slip with a due date, a letter when the date moves.

Each is written down in words on the day it is made out, sealed under the holder's key: what it says does not change
with the request, the fees or the texts. It is part of its request and no document: it has neither code nor status.
Source: Decree 61/2018/NĐ-CP, and Decree 118/2025/NĐ-CP in its place (giấy tiếp nhận hồ sơ và hẹn trả kết quả; phiếu xin
lỗi và hẹn lại ngày trả kết quả); docs/domain.md, section 4.0. The lines of the forms are as offices generally print
them: unconfirmed, not read in the decrees' annexes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from wallet.clock import Clock
from wallet.documents.forms.page import moment
from wallet.documents.forms.plain import Line, PlainPaper
from wallet.errors import NotFound
from wallet.identity.holders import Holders
from wallet.places import provinces
from wallet.requests.models import RequestPaper, RequestRow, RequestStep
from wallet.requests.orders import PaperView, RequestPaperView, number_of
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import open_content
from wallet.texts.catalogue import LANGUAGES, lookup
from wallet.utilities.base import Ask, Deadline, Utility
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.plugin import Plugin
from wallet.working_days import end_of_day, vietnamese_day

Words = dict[str, str]


class PaperKind(StrEnum):
    """What a paper is."""

    SLIP = "slip"
    LETTER = "letter"


class Why(StrEnum):
    """Why a date was moved. OVERDUE: the office is late; STEP: a sub-task is; EXTENDED: something has to be checked."""

    OVERDUE = "overdue"
    STEP = "waiting_for_step"
    EXTENDED = "extended"


MARKS = {PaperKind.SLIP: "TNHS", PaperKind.LETTER: "XLHL"}
"""What the number of a paper says of its kind, behind the request's own: the sample's own numbering."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Papers of requests, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    holders: Holders
    clock: Clock

    def slip(self, utility: Utility, row: RequestRow, received_at: datetime) -> None:
        """Make out the receipt of a request that an office took in. Without a date there is nothing to promise.

        received_at: when it was whole: sent, paid or supplemented.
        """
        if row.due_at is None:
            return
        plugin = self.catalogue.plugin(row.utility)
        stated = self._head(plugin, row, received_at)
        stated |= {
            "term": term_of(utility.rules_of(row.rules_version).deadline),
            "evidence": self._evidence(plugin, row),
            "fee": [
                {"code": line["code"], "name": _named(plugin, "fees", line["code"]), "amount": line["amount"]}
                for line in row.fee
            ],
            "fee_due": sum(line["amount"] for line in row.fee),
            "statement": _words("slip_words", agency=stated["agency"]),
        }
        self._keep(row, PaperKind.SLIP, stated, row.due_at)

    def letter(
        self,
        utility: Utility,
        row: RequestRow,
        received_at: datetime,
        promised: datetime,
        why: Why,
        steps: Sequence[RequestStep] = (),
    ) -> None:
        """Say that a date was moved, and why. promised: the date until now. steps: what is waited for."""
        if row.due_at is None:
            return
        plugin = self.catalogue.plugin(row.utility)
        stated = self._head(plugin, row, received_at)
        deadline = utility.rules_of(row.rules_version).deadline
        words = "extended_words" if why is Why.EXTENDED else "apology_words"
        stated |= {
            "term": term_of(deadline, extended=why is Why.EXTENDED),
            "promised": promised.isoformat(),
            "reason": str(why),
            "reason_text": _words(f"reason_{why}"),
            "waiting_for": [
                {
                    "step": step.code,
                    "name": _named(plugin, "steps", step.code),
                    "agency": self.catalogue.agency_words(row.utility, step.agency),
                }
                for step in steps
            ],
            "statement": _words(words, agency=stated["agency"], due=day_words(row.due_at)),
        }
        self._keep(row, PaperKind.LETTER, stated, row.due_at)

    def of(self, row: RequestRow) -> tuple[PaperView, ...]:
        """Return what was made out for a request, in order."""
        return tuple(_view(paper) for paper in self.rows.papers(row.id))

    def get(self, row: RequestRow, paper_id: str) -> RequestPaperView:
        """Return one paper with what it states. Raises NotFound, also once its holder was erased."""
        paper = next((each for each in self.rows.papers(row.id) if id_of(each) == paper_id), None)
        if paper is None or not paper.sealed:
            raise NotFound("not_found")
        stated = json.loads(
            self.holders.unseal(row.holder_id, sealed_at(row.id, paper.kind, paper.sequence), paper.sealed)
        )
        return RequestPaperView(_view(paper), row.id, row.utility, stated)

    def _head(self, plugin: Plugin, row: RequestRow, received_at: datetime) -> dict[str, Any]:
        """Return what every paper of a request states: whose it is, what was asked for, who is to be asked."""
        about = open_content(self.holders, row).about
        office, number = office_words(self.catalogue, row), number_of(row.id)
        stated: dict[str, Any] = {
            "request_number": number,
            "agency": office,
            "applicant": self.holders.profile(row.holder_id).full_name,
            "service": dict(plugin.utility.title),
            "received_at": received_at.replace(microsecond=0).isoformat(),
            "ask": _words("ask_whom", agency=office, number=number),
        }
        if row.organisation_name is not None:
            stated["organisation"] = row.organisation_name
        return stated if about is None else stated | {"about": about.full_name}

    def _evidence(self, plugin: Plugin, row: RequestRow) -> list[dict[str, Any]]:
        """Return what was handed in: the form, and under each of its fields the files that the answers name."""
        answers = open_content(self.holders, row).answers
        found = [{"name": _words("form"), "files": 0}]
        for field in plugin.utility.form:
            if field.kind is Ask.FILES and answers.get(field.name):
                found.append({"name": _named(plugin, "fields", field.name), "files": len(answers[field.name])})
        return found

    def _keep(self, row: RequestRow, kind: PaperKind, stated: dict[str, Any], due_at: datetime) -> None:
        sequence = 1 + sum(paper.kind == kind for paper in self.rows.papers(row.id))
        paper = RequestPaper(
            request_id=row.id, kind=str(kind), sequence=sequence, made_at=self.clock.now(), due_at=due_at
        )
        stated |= {
            "number": f"{stated['request_number']}/{MARKS[kind]}-{sequence}",
            "title": _words(kind),
            "lines": [{"label": _words(code), "values": list(values)} for code, values in _lines(kind, stated, due_at)],
            "about_paper": _words("about_paper"),
        }
        plaintext = json.dumps(stated, ensure_ascii=False).encode()
        paper.sealed = self.holders.seal(row.holder_id, sealed_at(row.id, kind, sequence), plaintext)
        self.rows.add(paper)


def id_of(paper: RequestPaper) -> str:
    """Return what a paper is called in its request's address."""
    return f"{paper.kind}-{paper.sequence}"


def sealed_at(request_id: str, kind: str, sequence: int) -> str:
    """Return for which place what a paper states is sealed."""
    return f"{request_id}.{kind}-{sequence}"


def office_words(catalogue: Catalogue, row: RequestRow) -> Words:
    """Return what the desk is called whose request it is, in both languages: the agency, of its province."""
    province = provinces().get(row.province)
    names = catalogue.agency_words(row.utility, row.agency)
    return {language: ", ".join(part for part in (name, province) if part) for language, name in names.items()}


def term_of(deadline: Deadline, *, extended: bool = False) -> Words:
    """Return how long it may take, in working days or hours."""
    if deadline.working_hours and not extended:
        return _words("term_hours", count=deadline.working_hours)
    days = deadline.extended_working_days if extended else deadline.working_days
    return _words("term_days", count=days or deadline.working_days)


def day_words(due_at: datetime) -> Words:
    """Return by when something is due: most of it by the end of a day."""
    day = vietnamese_day(due_at - timedelta(seconds=1))
    if due_at == end_of_day(day):
        return _words("end_of", day=f"{day:%d/%m/%Y}")
    return _same(moment(due_at))


def printed(paper: RequestPaperView) -> PlainPaper:
    """Return a paper as it is printed: everything on it was written down when it was made out."""
    stated = paper.stated
    body = [Line(each["label"], tuple(each["values"])) for each in stated["lines"]]
    return PlainPaper(
        title=stated["title"],
        number=stated["number"],
        agency=stated["agency"],
        made_at=paper.view.made_at,
        body=(stated["statement"], *body),
        about=stated["about_paper"],
    )


def _lines(kind: PaperKind, stated: Mapping[str, Any], due_at: datetime) -> Iterator[tuple[str, Sequence[Words]]]:
    """Yield the lines of a paper: the code of each label, and what stands behind it."""
    yield "request_number", [_same(stated["request_number"])]
    yield "applicant", [_same(stated["applicant"])]
    if "organisation" in stated:
        yield "organisation", [_same(stated["organisation"])]
    if "about" in stated:
        yield "about", [_same(stated["about"])]
    yield "service", [stated["service"]]
    yield "received_at", [_same(moment(datetime.fromisoformat(stated["received_at"])))]
    if kind is PaperKind.SLIP:
        yield (
            "evidence",
            [
                _words("files", name=each["name"], count=each["files"]) if each["files"] else each["name"]
                for each in stated["evidence"]
            ],
        )
        yield "term", [stated["term"]]
        yield "due_at", [day_words(due_at)]
        yield "fees", _fees(stated)
    else:
        yield "promised", [day_words(datetime.fromisoformat(stated["promised"]))]
        yield "reason", [stated["reason_text"]]
        if stated["waiting_for"]:
            yield (
                "waiting_for",
                [_words("step_at", step=each["name"], agency=each["agency"]) for each in stated["waiting_for"]],
            )
        yield "new_date", [day_words(due_at)]
        yield "term", [stated["term"]]
    yield "result", [_words("result_in")]
    yield "ask", [stated["ask"]]


def _same(text: str) -> Words:
    return dict.fromkeys(LANGUAGES, text)


def _fees(stated: Mapping[str, Any]) -> list[Words]:
    if not stated["fee"]:
        return [_words("no_fee")]
    lines = [*stated["fee"], {"name": _words("fee_due"), "amount": stated["fee_due"]}]
    return [_words("fee_line", name=line["name"], amount=_dong(line["amount"])) for line in lines]


def _dong(amount: int) -> str:
    """Return an amount as it is written: points between the thousands (docs/domain.md, section 3.3)."""
    return f"{amount:,}".replace(",", ".")


def _view(paper: RequestPaper) -> PaperView:
    return PaperView(id_of(paper), paper.kind, paper.made_at, paper.due_at)


def _named(plugin: Plugin, section: str, code: str) -> Words:
    """Return what a code is called, else the code: no paper fails for want of a word."""
    return {language: plugin.texts[language].get(section, {}).get(code) or code for language in LANGUAGES}


def _words(code: str, **values: Any) -> Words:
    """Return one text of the papers in both languages. values: a value by language, or one that both have."""
    return {
        language: lookup(
            "request_papers",
            code,
            language,
            **{name: value[language] if isinstance(value, Mapping) else value for name, value in values.items()},
        )
        for language in LANGUAGES
    }
