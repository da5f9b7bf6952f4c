"""The keys of a trust bundle as a List of Trusted Entities, for software that knows the European lists and not ours.

It says who issues what with which certificate, nothing of single documents. Source: ETSI TS 119 602 V1.1.1, clause 6
(data model) and annex B (JSON binding); the schema's member names are used letter for letter.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from wallet.formats.trust_bundle import BundleContent, IssuerEntry, KeyEntry

LOTE_VERSION = 1
LANGUAGES = ("vi", "en")
GOOD_STATES = frozenset({"published", "active", "retired"})
"""What such a key signed is good, whatever its state says about signing now (docs/wire.md, section 4)."""


NOBODY: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Operator:
    """Who keeps the list, and what it is called. name, scheme, street: by language; country by ISO 3166-1."""

    name: Mapping[str, str]
    scheme: Mapping[str, str]
    street: Mapping[str, str]
    notice: str
    country: str = "VN"


def list_of_trusted_entities(
    content: BundleContent, operator: Operator, revoked_at: Mapping[str, datetime] = NOBODY
) -> dict[str, Any]:
    """Return the list of a bundle's issuers as JSON: same sequence, same moment, same end as the bundle.

    revoked_at: by kid, when a key was revoked, which no bundle tells; one that is not there was as the list was issued.
    """
    return {
        "LoTE": {
            "ListAndSchemeInformation": {
                "LoTEVersionIdentifier": LOTE_VERSION,
                "LoTESequenceNumber": content.seq,
                "LoTEType": f"{content.iss}/trust/list-types/issuers",
                "SchemeOperatorName": _words(operator.name),
                "SchemeOperatorAddress": {
                    "SchemeOperatorPostalAddress": _postal(operator),
                    "SchemeOperatorElectronicAddress": _links(content.iss),
                },
                "SchemeName": _words(operator.scheme),
                "SchemeInformationURI": _links(f"{content.iss}/docs"),
                "StatusDeterminationApproach": f"{content.iss}/trust/status-determination/operator",
                "SchemeTerritory": operator.country,
                "PolicyOrLegalNotice": [{"LoTELegalNotice": operator.notice}],
                "ListIssueDateTime": _moment(content.issued_at),
                "NextUpdate": _moment(content.next_update),
                "DistributionPoints": [f"{content.iss}/v1/trust/entities"],
            },
            "TrustedEntitiesList": [_entity(issuer, content, operator, revoked_at) for issuer in content.issuers],
        }
    }


def _entity(
    issuer: IssuerEntry, content: BundleContent, operator: Operator, revoked_at: Mapping[str, datetime]
) -> dict[str, Any]:
    return {
        "TrustedEntityInformation": {
            "TEName": _words(issuer.name),
            "TETradeName": [{"lang": "en", "value": issuer.code}],
            "TEAddress": {"TEPostalAddress": _postal(operator), "TEElectronicAddress": _links(content.iss)},
            "TEInformationURI": _links(f"{content.iss}/docs"),
        },
        "TrustedEntityServices": [
            _service(key, content.iss, revoked_at.get(key.kid, content.issued_at)) for key in issuer.keys
        ],
    }


def _service(key: KeyEntry, iss: str, revoked_at: datetime) -> dict[str, Any]:
    """Return a key with its status and since when it has it; of a withdrawn one, also that it was granted before."""
    (role,) = key.roles

    def standing(status: str, since: datetime) -> dict[str, Any]:
        return {
            "ServiceName": [{"lang": language, "value": f"{role} {key.kid}"} for language in LANGUAGES],
            "ServiceDigitalIdentity": {"X509Certificates": [{"val": _base64(key.x5c[0])}]},
            "ServiceTypeIdentifier": f"{iss}/trust/service-types/{role}",
            "ServiceStatus": f"{iss}/trust/service-status/{status}",
            "StatusStartingTime": _moment(since),
        }

    granted = standing("granted", key.not_before)
    if key.state in GOOD_STATES:
        return {"ServiceInformation": granted}
    service = {"ServiceInformation": standing("withdrawn", revoked_at)}
    # One that was revoked before it might sign was granted nothing.
    return service | {"ServiceHistory": [granted]} if key.not_before < revoked_at else service


def _words(words: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"lang": language, "value": words[language]} for language in LANGUAGES]


def _links(uri: str) -> list[dict[str, str]]:
    return [{"lang": language, "uriValue": uri} for language in LANGUAGES]


def _postal(operator: Operator) -> list[dict[str, str]]:
    return [
        {"lang": language, "StreetAddress": operator.street[language], "Country": operator.country}
        for language in LANGUAGES
    ]


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _base64(der: bytes) -> str:
    return base64.b64encode(der).decode("ascii")
