"""Metadata of the kinds of document: the names of every claim, in bytes that stay what they are."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.documents.forms.stated import ISSUER, examples
from tests.utilities.plugins import plugin
from wallet.documents.forms.type_metadata import address_of, integrity, metadata_of
from wallet.utilities.base import Claim, DocumentType, Kind
from wallet.utilities.catalogue import Catalogue, Plugin

KEPT = Path(__file__).with_name("type_metadata.json")
"""The hash of what was served for each version of each kind. A line is added, never changed: documents carry it."""


def kinds(catalogue: Catalogue) -> list[tuple[Plugin, DocumentType]]:
    return [(plugin, kind) for plugin in catalogue for kind in plugin.utility.documents]


def test_metadata_of_a_version_stays_what_it_is(built_in: Catalogue) -> None:
    """A change of a label is a change of the version: `vct#integrity` of documents that are about would not fit."""
    now = {f"{kind.code}/{kind.version}": integrity(plugin, kind, ISSUER) for plugin, kind in kinds(built_in)}
    kept = json.loads(KEPT.read_text())
    assert {name: kept.get(name) for name in now} == now


def test_every_claim_is_named_in_both_languages(built_in: Catalogue) -> None:
    for plugin_, kind in kinds(built_in):
        content = json.loads(metadata_of(plugin_, kind, ISSUER))
        assert content.keys() == {"vct", "name", "description", "display", "claims"}
        assert content["vct"] == address_of(ISSUER, kind) == f"{ISSUER}/v1/types/{kind.code}/{kind.version}"
        assert content["display"] == [
            {"locale": "vi", "name": kind.title["vi"]},
            {"locale": "en", "name": kind.title["en"]},
        ]
        assert [entry["path"][0] for entry in content["claims"] if len(entry["path"]) == 1] == list(kind.names)
        for entry in content["claims"]:
            assert entry.keys() == {"path", "display", "sd"}
            assert entry["sd"] == "always"
            assert [each["locale"] for each in entry["display"]] == ["vi", "en"]
            assert all(each["label"] for each in entry["display"])


def test_elements_and_parts_have_paths_with_null() -> None:
    claims = (Claim(1, "full_name"), Claim(2, "places", Kind.LIST), Claim(3, "members", Kind.RECORDS, parts=("age",)))
    labels = {"claims": {"full_name": "a", "places": "b", "members": "c"}, "parts": {"members.age": "d"}}
    found = plugin(paper={"claims": claims}, texts={"vi": labels, "en": labels})
    content = json.loads(metadata_of(found, found.utility.documents[0], ISSUER))
    assert [(entry["path"], entry["display"][0]["label"]) for entry in content["claims"]] == [
        (["full_name"], "a"),
        (["places"], "b"),
        (["places", None], "b"),
        (["members"], "c"),
        (["members", None], "c"),
        (["members", None, "age"], "d"),
    ]


def test_every_claim_of_every_example_has_its_path(built_in: Catalogue) -> None:
    """Elements of a list within a record have none of their own: they are what the part is called."""
    for name, document in examples(built_in):
        content = json.loads(metadata_of(document.plugin, document.kind, ISSUER))
        paths = {tuple(entry["path"]) for entry in content["claims"]}
        assert {path[:3] for path in _paths(dict(document.claims), ())} <= paths, name


def _paths(value: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [(None, each) for each in value]
    here = [path] if path else []
    return here + [found for step, each in inner for found in _paths(each, (*path, step))]


def test_bytes_are_plain_and_their_hash_is_the_integrity(built_in: Catalogue) -> None:
    plugin_, kind = kinds(built_in)[0]
    content = metadata_of(plugin_, kind, ISSUER)
    assert content == metadata_of(plugin_, kind, ISSUER)
    assert b"\\u" not in content
    assert integrity(plugin_, kind, ISSUER) == "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.mark.parametrize("url", ["https://vi.example.vn", "http://127.0.0.1:8000"])
def test_address_is_below_the_issuer(url: str) -> None:
    kind = plugin().utility.documents[0]
    assert json.loads(metadata_of(plugin(), kind, url))["vct"] == f"{url}/v1/types/made-up/1"
