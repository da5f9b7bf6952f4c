"""Every text that a person reads: there for each code, in both languages, in words that differ."""

import ast
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import wallet
from wallet import errors
from wallet.documents.holding import STATES
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.identity.questions import QUESTIONS
from wallet.launching.states import LaunchState
from wallet.requests.desk import PURPOSES
from wallet.requests.links import LinkState
from wallet.sources.base import RegisterCode
from wallet.strict import _VALIDATORS
from wallet.texts.catalogue import catalogue, problem
from wallet.utilities.catalogue import Catalogue
from wallet.verifier import REASONS, Verdict
from wallet.web.problems import HTTP_CODES, WORDS

ROOT = Path(wallet.__file__).parent
PLUGINS = list(Catalogue.discover())

OWN_WORDS = (errors.Malformed, errors.ConfigurationError, errors.VerificationFailed)
"""What these carry is for an operator or a log, or a reason code of the verifier; never a problem code."""

CODED = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.WalletError) and not issubclass(kind, OWN_WORDS)
}
GIVEN_BY_CLASS = {"Unavailable": {"retry_after"}, "TooManyAttempts": {"retry_after"}}
FIELD_CLASSES = {"InvalidInput", "ClaimsRejected"}


def modules(*below: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.joinpath(*below).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def constants(node: ast.AST | None) -> Iterator[str]:
    """Return the texts that an expression may be: itself, or either side of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def raised() -> Iterator[tuple[str, str, set[str]]]:
    """Return each code that is raised anywhere, where, and the values that come with it."""
    for name, module in modules():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call) or called(node) not in CODED:
                continue
            kind = called(node)
            place = f"{name}:{node.lineno}"
            values = {keyword.arg for keyword in node.keywords if keyword.arg} | GIVEN_BY_CLASS.get(kind, set())
            if kind == "ClaimsRejected":
                yield "claims_rejected", place, set()
            elif kind == "InvalidInput":
                codes = list(constants(node.args[1])) if len(node.args) > 1 else ["invalid_input"]
                for code in codes:
                    yield code, place, values
            else:
                for code in constants(node.args[0] if node.args else None):
                    yield code, place, values


def field_codes() -> Iterator[tuple[str, str]]:
    """Return each code of a field that is named anywhere, and where."""
    for name, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and called(node) in FIELD_CLASSES:
                place = f"{name}:{node.lineno}"
                for argument in node.args[:1]:
                    values: list[ast.AST] = []
                    if isinstance(argument, ast.Dict):
                        values = list(argument.values)
                    elif isinstance(argument, ast.DictComp):
                        values = [argument.value]
                    for value in values:
                        for code in constants(value):
                            yield code, place
                for keyword in node.keywords:
                    given = keyword.value
                    if not keyword.arg and isinstance(given, ast.Call) and called(given) == "fromkeys":
                        given = given.args[1]
                    if called(node) == "ClaimsRejected":
                        for code in constants(given):
                            yield code, place


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    else:
        assert isinstance(value, str), path
        yield path, value


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", text))


def every_catalogue() -> dict[str, dict[str, dict[str, str]]]:
    """Return each catalogue by name: language to path to text."""
    found = {
        section: {language: dict(leaves(catalogue(language)[section], section)) for language in ("vi", "en")}
        for section in sorted(catalogue("vi").keys() | catalogue("en").keys())
    }
    for plugin in PLUGINS:
        name = plugin.utility.code
        found[name] = {language: dict(leaves(plugin.texts[language])) for language in ("vi", "en")}
        for language in ("vi", "en"):
            found[name][language]["title"] = plugin.utility.title[language]
    return found


CATALOGUES = every_catalogue()
EACH = pytest.mark.parametrize("name", CATALOGUES)


def test_there_is_something_to_look_at() -> None:
    assert {"problems", "fields", "pages", "verifier", "residence"} <= CATALOGUES.keys()
    codes = {code for code, _, _ in raised()}
    assert len(codes) > 40
    assert {"not_found", "level_too_low", "missing_token", "storage_unavailable", "claims_rejected"} <= codes
    assert {"unknown_field", "missing_in_register", "code_too_large"} <= {code for code, _ in field_codes()}


def test_every_code_that_is_raised_has_a_text() -> None:
    places = defaultdict(list)
    for code, place, _ in raised():
        places[code].append(place)
    for language in ("vi", "en"):
        texts = catalogue(language)["problems"]
        assert {code: found for code, found in places.items() if code not in texts} == {}


def test_every_status_of_the_framework_has_a_text() -> None:
    assert set(HTTP_CODES.values()) | {"bad_request", "internal_error"} <= catalogue("vi")["problems"].keys()


def test_every_code_of_a_field_has_a_text() -> None:
    own = {code for plugin in PLUGINS for code in plugin.texts["vi"].get("reasons", {})}
    known = catalogue("vi")["fields"].keys()
    missing = [(code, place) for code, place in field_codes() if code not in known | own]
    assert missing == []
    assert {code for _, code in _VALIDATORS} <= known


def test_every_value_that_a_text_names_comes_with_the_error() -> None:
    wrong = []
    for code, place, values in raised():
        for language in ("vi", "en"):
            entry = catalogue(language)["problems"].get(code, {"title": "", "detail": ""})
            needed = placeholders(entry["detail"]) | placeholders(entry["title"])
            if not needed <= values:
                wrong.append((code, place, language, needed - values))
    assert wrong == []


def test_title_of_a_problem_has_no_value() -> None:
    """RFC 9457, section 3.1.3: a title does not change from occurrence to occurrence."""
    for language in ("vi", "en"):
        for code, entry in catalogue(language)["problems"].items():
            assert entry.keys() == {"title", "detail"}, code
            assert placeholders(entry["title"]) == set(), code


def test_code_without_a_text_is_told_as_an_internal_error() -> None:
    assert problem("no_such_code", "en") == problem("internal_error", "en")


@EACH
def test_both_languages_have_the_same_texts(name: str) -> None:
    vi, en = CATALOGUES[name]["vi"], CATALOGUES[name]["en"]
    assert vi.keys() ^ en.keys() == set()
    assert vi


@EACH
def test_no_text_is_the_same_in_both_languages(name: str) -> None:
    vi, en = CATALOGUES[name]["vi"], CATALOGUES[name]["en"]
    assert [path for path in vi if vi[path].casefold() == en[path].casefold()] == []


@EACH
def test_both_languages_name_the_same_values(name: str) -> None:
    vi, en = CATALOGUES[name]["vi"], CATALOGUES[name]["en"]
    assert [path for path in vi if placeholders(vi[path]) != placeholders(en[path])] == []
    known = {"approval", "auth_level", "choices", "days", "detail", "hours", "limit", "minutes", "n", "name", "needed"}
    known |= {
        "reason",
        "register",
        "retry_after",
        "state",
        "target",
        "until",
        "code",
        "purpose",
        "capacity",
        "command",
        "due_at",
        "number",
        "step",
        "missing",
        "notice",
        "failed",
        "people",
    }
    known |= {"day", "month", "year", "moment", "place", "url"}  # on paper
    known |= {"agency", "amount", "count", "due"}  # on slips and letters
    known |= {"checks", "receipts", "seconds", "years"}  # at a gate
    known |= {"organisation", "ground"}  # of a consent
    for path, text in (*vi.items(), *en.items()):
        assert placeholders(text) <= known, path
        assert text.count("{") == text.count("}") == len(re.findall(r"\{\w+\}", text)), path


def is_vietnamese(text: str) -> bool:
    """Whether a letter carries a mark that English has not."""
    return "đ" in text.lower() or any(unicodedata.combining(mark) for mark in unicodedata.normalize("NFD", text))


ENGLISH_NAMES = {"pages.other_language", "pages.title", "scan.other_language"}
"""In English too: the other language calls itself by its own name, and the product has one name."""

MARKLESS = {"Nam", "Con", "STT", "Trang", "Sinh", "Rung"}
"""Words, alone on a line of a form, that have no marks to write."""

WITHOUT_MARKS = {"sms", "sms_purposes"}
"""Official text messages are written without diacritics (docs/domain.md, section 2.4)."""


@EACH
def test_vietnamese_is_written_with_its_marks_and_english_without(name: str) -> None:
    vi, en = CATALOGUES[name]["vi"], CATALOGUES[name]["en"]
    if name in WITHOUT_MARKS:
        assert [path for path, text in vi.items() if is_vietnamese(text)] == []
    else:
        plain = [path for path, text in vi.items() if not is_vietnamese(text) and text not in MARKLESS]
        assert [path for path in plain if path not in ENGLISH_NAMES] == []
    assert [path for path, text in en.items() if is_vietnamese(text) and path not in ENGLISH_NAMES] == []


@EACH
def test_texts_are_clean(name: str) -> None:
    for language in ("vi", "en"):
        for path, text in CATALOGUES[name][language].items():
            assert text == " ".join(text.split()), path
            assert text, path
            assert unicodedata.is_normalized("NFC", text), path
            assert not re.search(r"[\u200b-\u200f\u202a-\u202e\ufeff<>]", text), path
            assert "TODO" not in text, path


def test_details_are_sentences_and_titles_are_not() -> None:
    for language in ("vi", "en"):
        for code, entry in catalogue(language)["problems"].items():
            assert not entry["title"].endswith("."), code
            assert entry["title"][0].isupper() or not entry["title"][0].isalpha(), code
            assert entry["detail"].endswith((".", "{reason}", "{missing}")), code
        for section in ("fields", "malformed"):
            assert all(text.endswith(".") for text in catalogue(language)[section].values())


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("states", {*LaunchState, *STATES, "awaiting_approval"}),
        ("revocation_reasons", set(RevocationReason)),
        ("suspension_reasons", set(SuspensionReason)),
        ("reinstatement_reasons", set(ReinstatementReason)),
        ("link_states", set(LinkState)),
        ("questions", set(QUESTIONS)),
        ("registers", set(RegisterCode)),
    ],
)
def test_section_names_every_code_and_no_other(section: str, codes: set[str]) -> None:
    for language in ("vi", "en"):
        assert catalogue(language)[section].keys() == {str(code) for code in codes}


LOOKING_UP = {"lookup", "both", "_words", "reason_text", "with_reason_text"}
"""Functions that take the name of a section first."""


def sections_looked_up() -> set[str]:
    """Return the sections that are named where a text is looked up to be told; examples and stories tell nobody.

    A name of the same spelling elsewhere is none.
    """
    found = {section for sections in WORDS.values() for section in sections}
    for name, module in modules():
        if name.startswith(("web/examples/", "demo/")):
            continue
        nodes = list(ast.walk(module))
        kept = {
            target.id
            for node in nodes
            if isinstance(node, ast.Assign) and is_catalogue(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in nodes:
            if isinstance(node, ast.Subscript) and (is_catalogue(node.value) or getattr(node.value, "id", "") in kept):
                found.update(constants(node.slice))
            elif isinstance(node, ast.Call):
                if called(node) in LOOKING_UP or (
                    called(node) == "get" and is_catalogue(getattr(node.func, "value", node))
                ):
                    found.update(constants(node.args[0]))
                found.update(code for word in node.keywords if word.arg == "core" for code in constants(word.value))
    return found


def is_catalogue(node: ast.AST) -> bool:
    """Whether an expression is the catalogue of one language."""
    return isinstance(node, ast.Call) and called(node) == "catalogue"


def test_every_section_is_looked_up_somewhere() -> None:
    """Words that nothing looks up are promised to a reader and shown to nobody."""
    assert catalogue("vi").keys() - sections_looked_up() == set()


def test_every_ground_for_reading_has_words() -> None:
    """A citizen reads in the history of access why somebody looked."""
    given = {
        code
        for _, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and called(node) == "Ground"
        for code in constants(node.args[0])
    }
    assert len(given) > 10
    assert given | set(PURPOSES) <= catalogue("vi")["purposes"].keys() == catalogue("en")["purposes"].keys()


def test_every_way_to_be_malformed_has_words() -> None:
    codes = {
        code
        for _, module in modules("web")
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and called(node) == "_unread"
        for code in constants(node.args[0])
    }
    assert codes == catalogue("vi")["malformed"].keys() == catalogue("en")["malformed"].keys()


def test_pages_use_every_text_and_no_other() -> None:
    used = set()
    for template in (ROOT / "web" / "templates").glob("*.html"):
        if template.name != SCANNER:
            used |= texts_of(template)
    for language in ("vi", "en"):
        assert catalogue(language)["pages"].keys() == used
        assert texts_of(ROOT / "web" / "templates" / SCANNER) <= catalogue(language)["scan"].keys()


SCANNER = "scan.html"
"""Has a part of the catalogue for itself, of which the page's script shows most."""


def texts_of(template: Path) -> set[str]:
    return set(re.findall(r"\bt\.(\w+)", template.read_text(encoding="utf-8")))


def test_templates_hold_no_words_of_their_own() -> None:
    for template in (ROOT / "web" / "templates").glob("*.html"):
        html = re.sub(
            r"\{%.*?%\}|\{\{.*?\}\}|<pre[^>]*>.*?</pre>|<[^>]+>", " ", template.read_text("utf-8"), flags=re.DOTALL
        )
        words = set(re.findall(r"[^\W\d_]+", html)) - {"Ví", "Số"}
        assert words == set(), template.name


# --- the verifier ----------------------------------------------------------------------------------------------


def test_verifier_has_words_for_every_verdict_and_every_reason() -> None:
    for language in ("vi", "en"):
        texts = catalogue(language)["verifier"]
        assert {name for name in texts if name.startswith("reason.")} == {f"reason.{code}" for code in (*REASONS, "ok")}
        verdicts = {f"verdict.{verdict.value}" for verdict in Verdict} | {"verdict.not_accepted"}
        assert {name for name in texts if name.startswith("verdict.")} == verdicts


def test_verifier_refuses_with_reasons_of_its_list_only() -> None:
    """A reason that is not in the closed list would be told without words."""
    kinds = {"VerificationFailed"}
    stray = [
        (code, f"{name}:{node.lineno}")
        for name, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and called(node) in kinds
        for code in constants(node.args[0] if node.args else None)
        if code not in REASONS
    ]
    assert stray == []


def test_names_in_the_verifiers_texts_are_used() -> None:
    """Every label, warning and error of the verifier stands in its code; nothing stale is kept."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "verifier").glob("*.py"))
    whole = set(re.findall(r"""["']((?:verdict|reason|label|warning|error|gate|upload)\.[\w.]*\w)["']""", source))
    families = set(re.findall(r"""["']((?:\w+\.)+)(?:\{|["'] \+)""", source))
    failures = {f"error.{code}" for code in re.findall(r"""["'](\w+)["']""", source)}
    at_a_gate = {"outcome.", "next.", "rule.", "refresh.", "gate.state."}
    assert families == {"reason.", "verdict.", "label.holder.", "error."} | at_a_gate
    families.remove("error.")
    texts = catalogue("vi")["verifier"].keys()
    assert whole <= texts
    stale = [name for name in texts - whole - failures if not any(name.startswith(family) for family in families)]
    assert stale == []
