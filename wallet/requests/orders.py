"""What is asked of the requests' room, and what it answers: values, without any behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wallet.utilities.base import Capacity


@dataclass(frozen=True, slots=True)
class About:
    """Whom a request by proxy is about: number, name and date of birth, as the population register has to have them."""

    number: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """What a register answered in the place of the applicant, or offered to choose from, as JSON.

    as_of: since when it stands so in the register; read_at: when it was read.
    """

    register: str
    value: Any = field(repr=False)
    as_of: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class RequestOrder:
    """What a citizen asks for. answers: as they were typed. about: for a proxy. organisation: the id of the
    one for which somebody applies. draft: keep it, do not send it yet.

    faults: what of it could not be read, JSON Pointer to code; it is refused, with whatever else is wrong.
    """

    utility: str
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    capacity: Capacity = Capacity.SELF
    about: About | None = None
    organisation: str | None = None
    draft: bool = False
    faults: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class FileView:
    """A file without its content. size: bytes; sha256: hexadecimal; of the file as it is stored."""

    id: str
    field: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FeeLineView:
    """One line of what is to pay, đồng; support is negative."""

    code: str
    amount: int


@dataclass(frozen=True, slots=True)
class RequestOrganisation:
    """For which organisation a request is made, with its code and its name as they were when it was sent."""

    id: str
    enterprise_code: str
    name: str


@dataclass(frozen=True, slots=True)
class UtilityRequest:
    """A request as it stands in a list. due_at: by when the office has promised it."""

    id: str
    number: str
    utility: str
    utility_version: int
    rules_version: str
    capacity: str
    organisation: RequestOrganisation | None
    state: str
    version: int
    agency: str
    province: str
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None
    due_at: datetime | None
    apologies: int
    fee: tuple[FeeLineView, ...]
    document_id: str | None

    @property
    def fee_due(self) -> int:
        return sum(line.amount for line in self.fee)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. note: what an officer wrote. step: the sub-task that ended."""

    at: datetime
    action: str
    state: str
    by: str
    reason: str | None = None
    note: str | None = field(default=None, repr=False)
    expected_at: datetime | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class StepView:
    """A sub-task. found: what the agency reported, once it is done. reminders: how often its time ran out.

    current: False for one that is done over other answers than those of now.
    """

    code: str
    agency: str
    state: str
    opened_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None
    reason: str | None
    reminders: int = 0
    current: bool = True
    found: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PaperView:
    """A slip or a letter that was made out. id: in its request's address, as `letter-1`. due_at: what it promises."""

    id: str
    kind: str
    made_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class AgreementView:
    """Somebody else who was asked to agree. state: as in `agreements.py`. current: they were shown what the request
    states now."""

    state: str
    current: bool
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class RequestPaperView:
    """A slip or a letter with what it states, as JSON, in words of the day on which it was made out."""

    view: PaperView
    request_id: str
    utility: str
    stated: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """A request, whole. actions: what its holder can do now. warnings: JSON Pointer to code, since it was sent.

    held: what registers answered when it was sent, by field. papers: what was made out for it. agreements: of others,
    who were asked to agree.
    """

    request: UtilityRequest
    answers: Mapping[str, Any] = field(repr=False)
    about: About | None
    files: tuple[FileView, ...]
    timeline: tuple[TimelineEntry, ...]
    steps: tuple[StepView, ...]
    actions: tuple[str, ...]
    papers: tuple[PaperView, ...]
    agreements: tuple[AgreementView, ...] = ()
    warnings: Mapping[str, str] = field(default_factory=dict, repr=False)
    held: Mapping[str, HeldAnswer] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of a request if it were sent now.

    faults, warnings: JSON Pointer to code; with a fault it is not ready, and neither cost nor document are known.
    words_of: of each fault the utility whose words it is in, "" for the wallet's. expected: claims as JSON.
    """

    ready: bool
    due_at: datetime | None
    faults: Mapping[str, str] = field(default_factory=dict, repr=False)
    words_of: Mapping[str, str] = field(default_factory=dict)
    fee: tuple[FeeLineView, ...] | None = None
    warnings: Mapping[str, str] = field(default_factory=dict, repr=False)
    expected: Mapping[str, Any] = field(default_factory=dict, repr=False)


def number_of(request_id: str) -> str:
    """Return the number that people read out and papers carry: short, without a counter that tells how many there are.

    The real one has agency, day and serial (docs/domain.md, section 3.3, unconfirmed); this is the sample's own.
    """
    digits = request_id.rpartition("_")[2].upper()
    return f"HS-{digits[:4]}-{digits[4:8]}-{digits[8:12]}"
