"""Invented security reports, as the police keep them. Numbers begin with 099; nobody who is drawn has sent one."""

from datetime import date

from wallet.demo.papers.common import Row, Subject
from wallet.sources.ministry_models import SecurityCases
from wallet.sources.tables import packed


def cases(subject: Subject, *reports: tuple[date, str, str], barred_until: date | None = None) -> Row:
    """Return what the police keep of somebody. reports: received on, kind, state; the oldest first."""
    return SecurityCases, {
        **subject.base,
        "reports_packed": packed(
            {
                "reports": [
                    {
                        "case_number": f"099PA{subject.serial:07d}{place:02d}",
                        "received_on": received_on,
                        "kind": kind,
                        "state": state,
                        "office": f"Công an mẫu, {subject.address.commune}, {subject.address.province}",
                    }
                    for place, (received_on, kind, state) in enumerate(reports, 1)
                ]
            }
        ),
        "barred_until": barred_until,
    }
