"""The contract, held against every utility that is found: a new folder arrives tested."""

import ast
import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.oracle import reader
from tests.support import NOON, SeededEntropy
from tests.utilities.plugins import LONGEST_NAME, claims_of, examples, longest, longest_places
from wallet.crypto.certificates import self_signed
from wallet.crypto.signing import LocalSigner
from wallet.documents.issuing import end_of_validity
from wallet.documents.qr_image import matrix
from wallet.errors import ClaimsRejected
from wallet.formats import compact_values as wire
from wallet.formats.cwt_code import DocumentPayload, StatusReference, claims_digest, encode_document_code
from wallet.terms import AccountLevel, AuthLevel
from wallet.utilities.base import Claims, Kind, Paper, Source
from wallet.utilities.catalogue import LANGUAGES, Catalogue, Plugin, faults
from wallet.utilities.paper import compact_claims, compact_value, full_claims

PLUGINS = list(Catalogue.discover())
PURE = {"collections", "dataclasses", "datetime", "decimal", "enum", "functools", "itertools", "math", "re", "typing"}
PURE |= {"__future__", "collections.abc", "string", "unicodedata"}
"""What a plug-in may import of the standard library: nothing that opens, asks, waits or draws."""

LONGEST_URI = "https://vi-so.dinh-danh-dien-tu.cong-dan-so.gov.vn/v1/status-lists/1048576"
LONGEST_ISSUER = "VN-CO-QUAN-CAP-X"

each = pytest.mark.parametrize("plugin", PLUGINS, ids=[plugin.utility.code for plugin in PLUGINS])


def folder(plugin: Plugin) -> Path:
    spec = find_spec(plugin.module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def sources(plugin: Plugin) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder(plugin).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def accepted(plugin: Plugin) -> list[dict[str, object]]:
    return [claims_of(plugin.utility, example) for example in examples(plugin.module)["accepted"]]


def whole(plugin: Plugin, claims: Claims) -> dict[str, object]:
    return {**claims, **plugin.utility.derive(claims)}


def test_there_is_a_utility() -> None:
    assert "residence" in [plugin.utility.code for plugin in PLUGINS]


# --- What it declares -----------------------------------------------------------------------------------------------


@each
def test_it_has_no_faults(plugin: Plugin) -> None:
    assert faults(plugin) == []


@each
def test_code_and_version_are_fit_for_the_wire(plugin: Plugin) -> None:
    utility = plugin.utility
    assert utility.code.replace("-", "_") == folder(plugin).name
    assert utility.code.isascii()
    assert utility.code.replace("-", "").replace("_", "").isalnum()
    assert utility.code == utility.code.lower()
    assert len(utility.code) <= 64
    assert utility.version >= 1
    assert utility.minimum_level in AccountLevel
    assert utility.minimum_auth in AuthLevel


@each
def test_every_text_stands_in_two_languages_that_differ(plugin: Plugin) -> None:
    texts = {"title": dict(plugin.utility.title)}
    texts |= {f"claim {name}": plugin.label(name) for name in plugin.utility.names}
    reasons = {language: plugin.texts[language].get("reasons", {}) for language in LANGUAGES}
    assert reasons["vi"].keys() == reasons["en"].keys()
    texts |= {f"reason {code}": {language: reasons[language][code] for language in LANGUAGES} for code in reasons["vi"]}
    for what, both in texts.items():
        assert both["vi"].strip(), what
        assert both["en"].strip(), what
        assert both["vi"] != both["en"], what
        for text in both.values():
            assert unicodedata.is_normalized("NFC", text), what
            assert text == text.strip(), what
    for language in LANGUAGES:
        labels = list(plugin.texts[language]["claims"].values())
        assert len(set(labels)) == len(labels), "two claims are called the same"


@each
def test_texts_name_no_claim_that_is_gone(plugin: Plugin) -> None:
    for language in LANGUAGES:
        assert set(plugin.texts[language]["claims"]) == set(plugin.utility.names)


@each
def test_numbers_and_names_of_claims_are_unique(plugin: Plugin) -> None:
    claims = plugin.utility.claims
    assert len({claim.number for claim in claims}) == len({claim.name for claim in claims}) == len(claims)
    assert all(type(claim.number) is int and 0 <= claim.number < 2**31 for claim in claims)


@each
def test_paper_has_the_name_and_the_last_four_digits(plugin: Plugin) -> None:
    """A code carries who it is about and no more than four digits of the number (docs/wire.md, section 1)."""
    required = {claim.name for claim in plugin.utility.claims if claim.paper is Paper.REQUIRED}
    assert required
    for claim in plugin.utility.claims:
        if claim.name == "number":
            assert claim.paper is Paper.HIDDEN
        if claim.paper is Paper.REQUIRED:
            assert claim.required, "what must stand on paper must be there"


# --- Kinds ----------------------------------------------------------------------------------------------------------


@each
def test_every_kind_has_a_compact_form_or_is_records(plugin: Plugin) -> None:
    """Values of the examples go into CBOR and come out again, read by the other reader."""
    for example in accepted(plugin):
        claims = whole(plugin, example)
        for claim in plugin.utility.claims:
            if claim.kind is Kind.RECORDS:
                assert claim.paper is Paper.HIDDEN, "records have no compact form: on paper they would be missing"
                continue
            assert claim.kind in wire.KINDS
            if claim.name in claims:
                value = compact_value(claim.kind, claims[claim.name])
                assert wire.compact_value(str(claim.kind), claims[claim.name]) == value, claim.name
                kind, readable = wire.readable_value(str(claim.kind), value)
                assert kind == claim.kind
                assert readable == full_claims(plugin.utility, claims)[claim.name]


# --- Examples -------------------------------------------------------------------------------------------------------


@each
def test_accepted_examples_are_accepted(plugin: Plugin) -> None:
    given = examples(plugin.module)
    today = date.fromisoformat(given["today"])
    assert given["accepted"]
    for example in accepted(plugin):
        stated = {claim.name for claim in plugin.utility.claims if claim.source is not Source.DERIVED}
        assert set(example) <= stated, "an example states what no register states"
        claims = whole(plugin, example)
        plugin.utility.check(claims, today)
        missing = [claim.name for claim in plugin.utility.claims if claim.required and claim.name not in claims]
        assert missing == []
        assert set(claims) <= set(plugin.utility.names)


@each
def test_rejected_examples_are_rejected_for_their_reasons(plugin: Plugin) -> None:
    given = examples(plugin.module)
    today = date.fromisoformat(given["today"])
    for example in given["rejected"]:
        claims = whole(plugin, claims_of(plugin.utility, example["claims"]))
        with pytest.raises(ClaimsRejected) as caught:
            plugin.utility.check(claims, today)
        assert caught.value.fields == example["why"]


@each
def test_every_reason_has_an_example_and_words(plugin: Plugin) -> None:
    given = {code for example in examples(plugin.module)["rejected"] for code in example["why"].values()}
    assert given == set(plugin.texts["vi"].get("reasons", {}))
    for code in given:
        for language in LANGUAGES:
            assert plugin.reason(code, language)


@each
def test_deriving_and_checking_change_nothing_and_always_say_the_same(plugin: Plugin) -> None:
    today = date.fromisoformat(examples(plugin.module)["today"])
    for example in accepted(plugin):
        before = dict(example)
        derived = plugin.utility.derive(example)
        assert derived == plugin.utility.derive(example)
        plugin.utility.check({**example, **derived}, today)
        assert example == before
        declared = {claim.name for claim in plugin.utility.claims if claim.source is Source.DERIVED}
        assert set(derived) <= declared, "it derives what it did not declare"


@each
def test_optional_facts_may_all_be_absent(plugin: Plugin) -> None:
    today = date.fromisoformat(examples(plugin.module)["today"])
    optional = {claim.name for claim in plugin.utility.claims if not claim.required}
    for example in accepted(plugin):
        least = {name: value for name, value in example.items() if name not in optional}
        plugin.utility.check(whole(plugin, least), today)


# --- Room on paper (security requirement S-45) ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def signer() -> LocalSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    return LocalSigner(key, self_signed(key, "doc", NOON - timedelta(1), NOON + timedelta(3000), SeededEntropy()))


def code_of(plugin: Plugin, claims: Claims, signer: LocalSigner, *, least: bool) -> str:
    issued = datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)
    entropy = SeededEntropy(least)
    payload = DocumentPayload(
        issuer=LONGEST_ISSUER,
        issued_at=issued,
        expires_at=end_of_validity(issued, plugin.utility.validity),
        document_id=entropy.bytes(16),
        utility=plugin.utility.code,
        utility_version=plugin.utility.version,
        claims=compact_claims(plugin.utility, claims, least=least),
        claims_hash=claims_digest(full_claims(plugin.utility, claims), entropy.bytes(16).hex()),
        status=StatusReference(2**23 - 1, LONGEST_URI),
    )
    return encode_document_code(payload, signer)


def test_longest_name_is_long_and_has_every_stack_of_marks() -> None:
    letters = [letter for letter in LONGEST_NAME if letter != " "]
    assert len(letters) >= 60
    assert unicodedata.is_normalized("NFC", LONGEST_NAME)
    stacked = {letter for letter in letters if len(unicodedata.normalize("NFD", letter)) == 3}
    assert len(stacked) >= 4
    assert all(len(name) > 15 for name in longest_places())


@each
def test_longest_legal_names_fit_a_printed_code(plugin: Plugin, signer: LocalSigner) -> None:
    for example in accepted(plugin):
        claims = whole(plugin, longest(plugin.utility, example))
        for least in (False, True):
            code = code_of(plugin, claims, signer, least=least)
            assert len(code) <= 970
            assert (len(matrix(code)) - 17) // 4 <= 20
            body = reader.parse_cbor(reader.parse_tag_18(reader.inflate(reader.unbase45(code[4:]), 4096))[2])[-70000]
            shown = {claim.number: claims[claim.name] for claim in plugin.utility.claims if claim.name in claims}
            assert all(body[3][number] == shown[number] for number in body[3] if isinstance(shown[number], str))


# --- What it may touch ----------------------------------------------------------------------------------------------


@each
def test_it_imports_the_contract_and_nothing_that_acts(plugin: Plugin) -> None:
    for path, tree in sources(plugin):
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                names = [node.module or ""]
            for name in names:
                own = name == plugin.module or name.startswith(plugin.module + ".")
                assert name == "wallet.utilities.base" or own or name in PURE, f"{path.name} imports {name}"


@each
def test_it_calls_nothing_that_reaches_out(plugin: Plugin) -> None:
    forbidden = {
        "open",
        "exec",
        "eval",
        "compile",
        "__import__",
        "input",
        "print",
        "globals",
        "vars",
        "setattr",
        "delattr",
    }
    for path, tree in sources(plugin):
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                assert node.id not in forbidden, f"{path.name} uses {node.id}"
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("__"), f"{path.name} uses {node.attr}"
                assert node.attr not in ("today", "now", "utcnow"), f"{path.name} asks for the time; it is handed in"


IMPORTING = """
import importlib, json, sys
import wallet.utilities.base
for name in sys.argv[3:]:
    importlib.import_module(name)
seen = []
watched = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "sqlite3.", "_thread.start_new_thread")
def hook(event, arguments):
    own = event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(sys.argv[2])
    if event.startswith(watched) and not (own and ".py" in arguments[0]):
        seen.append([event, repr(arguments)[:200]])
sys.addaudithook(hook)
importlib.import_module(sys.argv[1])
loaded = {name.split(".")[0] for name in sys.modules}
print(json.dumps([seen, sorted(loaded & {"flask", "sqlalchemy", "marshmallow", "qrcode", "cryptography", "httpx"})]))
"""


@each
def test_importing_it_opens_nothing_but_itself(plugin: Plugin) -> None:
    command = [sys.executable, "-c", IMPORTING, plugin.module, str(folder(plugin)), *sorted(PURE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    opened, heavy = json.loads(done.stdout)
    assert opened == []
    assert heavy == []
