"""What the usual verifiers look at: a start for a registration, which states its own grounds and may ask for less.

Claims are named one by one, or as the view that a kind of document has for such a place. What a deployment's catalogue
does not have is left out. A legal ground that was not read in a source is left open: whoever registers states it.
Source: docs/domain.md, section 5 (what each looks at), 4.2 (employers), 4.3 (hospitals) and 4.4 (hotels).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wallet.checks.purposes import Purpose, PurposeKind
from wallet.texts.catalogue import both
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue

Shown = tuple[str, ...] | str
"""Names of claims, or the name of a document's own view."""


@dataclass(frozen=True, slots=True)
class TemplatePurpose:
    """One purpose of a template. code: also of its title, in the texts' section `verifier_purposes`."""

    code: str
    kind: PurposeKind
    claims: Mapping[str, Shown]
    legal_ground: str = ""
    strict_ground: str = ""
    portrait: bool = False
    citizens_an_hour: int = 300
    checks_a_minute: int = 30


@dataclass(frozen=True, slots=True)
class Template:
    """A usual verifier. code: also of its title, in the texts' section `verifier_templates`."""

    code: str
    purposes: tuple[TemplatePurpose, ...] = field(default=())


def _passing(code: str, citizens_an_hour: int) -> TemplatePurpose:
    """Return a gate's purpose: name, birth date and picture as the view says, no address, household or religion."""
    ground = "Nghị định 69/2024/NĐ-CP"
    return TemplatePurpose(
        code,
        PurposeKind.GATE,
        {"identity": code},
        legal_ground=ground,
        portrait=True,
        citizens_an_hour=citizens_an_hour,
        checks_a_minute=60,
    )


_HEALTH = "Quyết định 31/QĐ-BYT ngày 06/01/2026"
_RESIDENCE_LAW = "Luật Cư trú 68/2020/QH14, Điều 30"

TEMPLATES: Mapping[str, Template] = {
    template.code: template
    for template in (
        Template("airline", (_passing("check_in", 2000), _passing("boarding", 2000), _passing("security", 5000))),
        Template(
            "hospital",
            (
                TemplatePurpose(
                    "reception",
                    PurposeKind.COUNTER,
                    {
                        "identity": "hospital",
                        "health_insurance_card": "reception",
                        "health_referral": "reception",
                        "health_appointment": "reception",
                    },
                    legal_ground=_HEALTH,
                    strict_ground=_HEALTH,
                    portrait=True,
                    citizens_an_hour=600,
                ),
                TemplatePurpose(
                    "emergency",
                    PurposeKind.COUNTER,
                    {"identity": "hospital", "allergy_card": "emergency"},
                    legal_ground=_HEALTH,
                    strict_ground=_HEALTH,
                    citizens_an_hour=120,
                ),
            ),
        ),
        Template(
            "hotel",
            (
                TemplatePurpose(
                    "stay",
                    PurposeKind.COUNTER,
                    {
                        "identity": ("full_name", "number_last4", "number", "birth_date", "sex", "nationality"),
                        "residence": ("full_name", "number_last4", "number", "permanent_address"),
                    },
                    legal_ground=_RESIDENCE_LAW,
                    strict_ground=_RESIDENCE_LAW,
                    citizens_an_hour=120,
                ),
            ),
        ),
        Template("bank", (TemplatePurpose("open_account", PurposeKind.COUNTER, {"identity": "bank"}, portrait=True),)),
        Template(
            "employer",
            (TemplatePurpose("hiring", PurposeKind.COUNTER, {"judicial_record_1": "employer"}, citizens_an_hour=60),),
        ),
        Template(
            "school",
            (
                TemplatePurpose(
                    "enrolment",
                    PurposeKind.OFFICE,
                    {"residence": "school", "birth_linked": "school"},
                ),
            ),
        ),
        Template(
            "traffic_police",
            (
                TemplatePurpose(
                    "roadside",
                    PurposeKind.OFFICE,
                    {
                        "identity": "traffic_police",
                        "driving_licence": "traffic_police",
                        "vehicle_registration": "traffic_police",
                    },
                    portrait=True,
                ),
            ),
        ),
    )
}


def purposes_of(template: Template, catalogue: Catalogue, legal_ground: str = "") -> list[dict[str, Any]]:
    """Return the purposes of a template as `Purpose.to_json` gives them.

    legal_ground: of the organisation, for a purpose whose own is left open.
    """
    known = {document.code: document for plugin in catalogue for document in plugin.utility.documents}
    return [
        Purpose(
            code=purpose.code,
            kind=purpose.kind,
            title=both("verifier_purposes", purpose.code),
            legal_ground=purpose.legal_ground or legal_ground,
            strict_ground=purpose.strict_ground,
            claims=dict(_claims(purpose.claims, known)),
            portrait=purpose.portrait,
            citizens_an_hour=purpose.citizens_an_hour,
            checks_a_minute=purpose.checks_a_minute,
        ).to_json()
        for purpose in template.purposes
    ]


def title_of(template: Template) -> dict[str, str]:
    """Return what a template is called, in both languages."""
    return both("verifier_templates", template.code)


def _claims(wanted: Mapping[str, Shown], known: Mapping[str, DocumentType]) -> Iterator[tuple[str, frozenset[str]]]:
    for code, shown in wanted.items():
        document = known.get(code)
        if document is not None:
            names = document.views.get(shown, ()) if isinstance(shown, str) else shown
            found = frozenset(names) & frozenset(document.names)
            if found:
                yield code, found
