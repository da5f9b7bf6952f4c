"""What a kind of document is, for software of others: its names and the names of its claims, at the address in `vct`.

The bytes are the same in every process and on every day: `vct#integrity` of documents already issued is their hash. So
whatever stands here belongs to the version of the kind; another label is another version.
Source: draft-ietf-oauth-sd-jwt-vc-19, type metadata.
"""

from collections.abc import Iterator
from typing import Any

from wallet.crypto.jws import compact_json, json_object
from wallet.formats.sd_jwt_vc import integrity_of
from wallet.utilities.base import Claim, DocumentType, Kind
from wallet.utilities.plugin import LANGUAGES, Plugin

PATH = "/v1/types/{code}/{version}"


def address_of(issuer_url: str, kind: DocumentType) -> str:
    """Return the `vct` of a kind of document: where its metadata is."""
    return issuer_url + PATH.format(code=kind.code, version=kind.version)


def addressed(metadata: bytes, issuer_url: str, code: str, version: int) -> bytes:
    """Return metadata as it is served at this address, the same bytes where it was written for it."""
    return compact_json(json_object(metadata) | {"vct": issuer_url + PATH.format(code=code, version=version)})


def metadata_of(plugin: Plugin, kind: DocumentType, issuer_url: str) -> bytes:
    """Return the metadata as it is served: JSON in UTF-8 without white space, members in this order.

    `sd` is `always` for every claim, element and part. `mandatory` is left out: it binds the issuer, and there are
    readers who take it for something that a holder has to show.
    """
    content: dict[str, Any] = {
        "vct": address_of(issuer_url, kind),
        "name": f"{kind.code} {kind.version}",
        "description": kind.title["en"],
        "display": [{"locale": language, "name": kind.title[language]} for language in LANGUAGES],
        "claims": [entry for claim in kind.claims for entry in _entries(plugin, claim)],
    }
    return compact_json(content)


def integrity(plugin: Plugin, kind: DocumentType, issuer_url: str) -> str:
    """Return the `vct#integrity` of a kind of document."""
    return integrity_of(metadata_of(plugin, kind, issuer_url))


def _entries(plugin: Plugin, claim: Claim) -> Iterator[dict[str, Any]]:
    """Yield a claim, then its elements, then the parts of those."""
    label = plugin.label(claim.name)
    yield _entry([claim.name], label)
    if claim.kind in (Kind.LIST, Kind.RECORDS):
        yield _entry([claim.name, None], label)
    for part in claim.parts:
        yield _entry([claim.name, None, part], plugin.words("parts", f"{claim.name}.{part}"))


def _entry(path: list[str | None], label: dict[str, str]) -> dict[str, Any]:
    display = [{"locale": language, "label": label[language]} for language in LANGUAGES]
    return {"path": path, "display": display, "sd": "always"}
