"""What stands on a paper: from a stated document to words in their places, ready to be typeset.

The frame is that of Vietnamese administrative papers (national name and motto, issuing body and number at left, place
and day, title, signatory), the body is the sections that the kind of document declares. Nothing here knows how a page
is drawn; `wallet/documents/forms/templates/paper.typ` does.
Source: Decree 30/2020/NĐ-CP, appendix I; docs/domain.md, section 4.5.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.places import provinces
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, lookup
from wallet.utilities.base import Claim, Kind, Section, Source
from wallet.utilities.description import agency_name
from wallet.working_days import ZONE, vietnamese_day

Words = dict[str, str]
"""A text by language; `en` is left out where a paper is in Vietnamese alone."""

Printable = Callable[[str], str]
"""A text to what a font can show of it."""

SERIAL_DIGITS = 10
WIDEST_TABLE = 6
"""Columns, the running number left out; records of more parts stand one below the other."""

DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})(?::\d{2})?(Z?)")
OWN_NUMERAL = re.compile(r"(?:[IVX]+|\d+)[.)] ")
MINISTRY = "Bộ "
PROVINCE_KINDS = ("Thành phố ", "Tỉnh ")
ONE_LINE = 40
"""Letters of a list that still stands on one line; a longer one has a line for each of its entries."""

TABLE_MM = 150.0
LETTER_MM, CELL_MM = 2.1, 3.4
"""What a letter of a table takes at most on average, and the room around a cell's content."""

MOST_FOLDED = 4.0
"""Times a line may be folded in its column before the records stand one below the other instead."""

FOLDED_HEAD = 12
"""Letters of a head that a column still makes room for."""

WIDE, BREAKABLE = 40, 23
"""Letters of a line beyond which a column asks for no more room; of a word beyond which it is broken."""


def page(document: StatedDocument, copy: Copy, sealed_at: datetime, printable: Printable) -> dict[str, Any]:
    """Return everything that stands on the paper, as JSON carries it.

    copy: says until when it is valid. printable: applied to every text. What a member is for is told where it is
    drawn, in the template.
    """
    return _Page(document, copy.expires_at, printable).content(sealed_at)


def serial_of(document_id: str) -> str:
    """Return the serial of a paper's own number: the first digits of the document's id, which tell no order."""
    return document_id.removeprefix("doc_")[:SERIAL_DIGITS].upper()


@dataclass(frozen=True, slots=True)
class _Page:
    """One paper while its words are put together."""

    document: StatedDocument
    expires_at: datetime
    printable: Printable

    def content(self, sealed_at: datetime) -> dict[str, Any]:
        document, layout = self.document, self.document.kind.layout
        whole, place = self._issuing_body()
        number = layout.number.format(serial=serial_of(document.id), year=vietnamese_day(document.issued_at).year)
        sections = [self._section(section) for section in self._sections()]
        return {
            "mark": SAMPLE_MARK,
            "bilingual": layout.bilingual,
            "title": self._words(document.kind.title),
            "nation": self._text("nation"),
            "motto": self._text("motto"),
            "body": whole,
            "number": self._text("number", number=number),
            "day": self._day(document.issued_at, place),
            "sections": sections,
            "numbered": sum(bool(section["heading"] and section["rows"]) for section in sections) > 1,
            "signatory": self._words(document.plugin.words("signatories", layout.signatory))
            if layout.signatory
            else self._issuer(),
            "sealed": self._text("sealed"),
            "sealed_by": self._text("sealed_by", name=document.issuer_name["vi"]),
            "sealed_at": self._text("sealed_at", moment=moment(sealed_at, seconds=True)),
            "valid": self._valid(),
            "scan": self._text("scan"),
            "scan_at": self._text("scan_at", url=f"{document.issuer_url.removesuffix('/')}/scan"),
            "about": self._text("about"),
            "sample": self._text("sample"),
            "code_described": lookup("paper", "code_described", "vi"),
            "row_number": self._text("row_number"),
            "leaf": self._text("leaf"),
            "id": document.id,
            "day_of_issue": vietnamese_day(document.issued_at).isoformat(),
        }

    def _sections(self) -> Sequence[Section]:
        """Return what the kind declares; where it declares none, every claim in its order."""
        return self.document.kind.layout.sections or (Section("", self.document.kind.names),)

    def _section(self, section: Section) -> dict[str, Any]:
        claims = {claim.name: claim for claim in self.document.kind.claims}
        rows = [
            self._row(claims[name], self.document.claims[name])
            for name in section.claims
            if name in self.document.claims
        ]
        heading = self._heading(section.heading) if section.heading else None
        if (
            heading
            and rows
            and rows[0]["as"] != "line"
            and rows[0]["label"]["vi"].casefold() == heading["vi"].casefold()
        ):
            rows[0]["label"] = None  # said once is enough
        return {"heading": heading, "rows": rows}

    def _heading(self, code: str) -> Words:
        """Return a heading without a numeral of its own: a section may be empty, and the next one then takes its."""
        words = self._words(self.document.plugin.words("headings", code))
        return {language: OWN_NUMERAL.sub("", text) for language, text in words.items()}

    def _row(self, claim: Claim, value: Any) -> dict[str, Any]:
        """Return one claim: `as` says how it stands there: `line`, `list`, `table` or `blocks`."""
        label = self._words(self.document.plugin.label(claim.name))
        if claim.kind is Kind.RECORDS and value:
            return {"label": label, **self._records(claim, value)}
        if claim.kind is Kind.LIST and len(", ".join(map(str, value))) > ONE_LINE:
            return {"label": label, "as": "list", "items": [self._shown(item) for item in value]}
        return {"label": label, "as": "line", "value": self._value(claim.kind, value)}

    def _value(self, kind: Kind, value: Any) -> str:
        if kind in (Kind.LIST, Kind.RECORDS):
            return self._shown(", ".join(map(str, value))) if value else self._both("none_recorded")
        if kind is Kind.BOOL:
            return self._both("yes" if value else "no")
        if kind is Kind.TIME:
            return moment(datetime.fromtimestamp(value, UTC))
        return self._shown(in_vietnamese_order(value)) if kind is Kind.DAY else self._shown(str(value))

    def _records(self, claim: Claim, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        parts = [part for part in claim.parts if any(part in record for record in records)]
        labels = [self._words(self.document.plugin.words("parts", f"{claim.name}.{part}")) for part in parts]
        rows = [[self._part(record.get(part, "")) for part in parts] for record in records]
        columns = [list(column) for column in zip(*rows, strict=True)]
        widths = shared_width([label["vi"] for label in labels], columns)
        if widths:
            return {"as": "table", "columns": labels, "rows": rows, "widths": widths}
        blocks = [
            [
                {"label": label, "value": self._part(record[part])}
                for part, label in zip(parts, labels, strict=True)
                if part in record
            ]
            for record in records
        ]
        return {"as": "blocks", "blocks": blocks}

    def _part(self, value: Any) -> str:
        """Return one part of a record. Its kind is declared nowhere: days and moments are told by their shape."""
        if isinstance(value, bool):
            return self._both("yes" if value else "no")
        if isinstance(value, list | tuple):
            return "\n".join(self._part(each) for each in value)
        return self._shown(in_vietnamese_order(str(value)))

    def _issuing_body(self) -> tuple[dict[str, Words], str]:
        """Return the issuing body, and the place it is in ("" where that is not known)."""
        named = self._office()
        name = {"vi": named} if named else agency_name(self.document.plugin, self.document.plugin.utility.agency)
        body, place = body_of(name)
        return {part: self._words(words) for part, words in body.items()}, self._shown(place)

    def _office(self) -> str:
        """Return the desk that decided, where the document states it."""
        for claim in self.document.kind.claims:
            if claim.source == Source.REQUEST and claim.stated_as == "office":
                return str(self.document.claims.get(claim.name, ""))
        return ""

    def _issuer(self) -> Words:
        return self._words(self.document.issuer_name)

    def _day(self, when: datetime, place: str) -> Words:
        day = vietnamese_day(when)
        code = "day_at_place" if place else "day"
        return self._text(code, place=place, day=f"{day:%d}", month=f"{day:%m}", year=str(day.year))

    def _valid(self) -> Words:
        """Return until when it is valid: most papers end with a day."""
        end = self.expires_at.astimezone(ZONE)
        if end.time() == time():
            return self._text("valid_until_end_of", day=f"{end - timedelta(days=1):%d/%m/%Y}")
        return self._text("valid_until", moment=moment(end))

    def _text(self, code: str, **values: str) -> Words:
        return {language: lookup("paper", code, language, **values) for language in self._languages()}

    def _both(self, code: str) -> str:
        return " / ".join(self._text(code).values())

    def _words(self, texts: Mapping[str, str]) -> Words:
        return {language: self._shown(texts[language]) for language in self._languages() if texts.get(language)}

    def _languages(self) -> Iterator[str]:
        return iter(LANGUAGES if self.document.kind.layout.bilingual else LANGUAGES[:1])

    def _shown(self, text: str) -> str:
        return self.printable(unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\t", " "))


def body_of(name: Mapping[str, str]) -> tuple[dict[str, Words], str]:
    """Return an agency as it stands at the head of its papers, and the place it is in ("" where that is not known).

    upper: the ministry above it, where its name tells one. A desk's name ends with its province.
    """
    head, _, tail = name["vi"].rpartition(", ")
    if head and tail.startswith(MINISTRY):
        english = name.get("en", "").rpartition(", ")
        return {"upper": {"vi": tail, "en": english[2]}, "lower": {"vi": head, "en": english[0]}}, ""
    place = next((tail.removeprefix(kind) for kind in PROVINCE_KINDS if tail.startswith(kind)), "")
    return {"lower": dict(name)}, place if tail in provinces().values() else ""


def moment(when: datetime, *, seconds: bool = False) -> str:
    """Return a moment as Vietnamese papers write it, in Vietnam's time."""
    return f"{when.astimezone(ZONE):{'%H:%M:%S' if seconds else '%H:%M'}, %d/%m/%Y}"


def in_vietnamese_order(text: str) -> str:
    """Return a day or a moment as dd/mm/yyyy; a year alone, and everything else, as it is."""
    if found := DAY.fullmatch(text):
        return f"{found[3]}/{found[2]}/{found[1]}"
    if found := MOMENT.fullmatch(text):
        if found[5]:
            return moment(datetime.fromisoformat(text))
        return f"{found[4]}, {found[3]}/{found[2]}/{found[1]}"
    return text


def shared_width(heads: Sequence[str], columns: Sequence[Sequence[str]]) -> list[float]:
    """Return how wide each column of a table is, in millimetres; [] when they do not fit beside one another.

    columns: the cells of each. A column holds the longest word of its head and its cells; what is left goes to those
    with longer lines. A head may be folded.
    """
    texts = [[head, *column] for head, column in zip(heads, columns, strict=True)]
    words = [max(len(word) for text in column for word in text.split() or [""]) for column in texts]
    lines = [
        max(min(len(head), FOLDED_HEAD), *(len(line) for cell in column for line in cell.split("\n")))
        for head, column in zip(heads, columns, strict=True)
    ]
    least = [min(word, BREAKABLE) * LETTER_MM + CELL_MM for word in words]
    left = TABLE_MM - sum(least)
    if left < 0 or len(columns) > WIDEST_TABLE:
        return []
    wanted = [max(0.0, min(line, WIDE) * LETTER_MM + CELL_MM - each) for line, each in zip(lines, least, strict=True)]
    whole = sum(wanted) or 1.0
    widths = [round(each + left * more / whole, 2) for each, more in zip(least, wanted, strict=True)]
    folded = max(line * LETTER_MM / (width - CELL_MM) for line, width in zip(lines, widths, strict=True))
    return widths if folded <= MOST_FOLDED else []
