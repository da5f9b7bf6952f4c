"""What a utility declares for its desk and for the end of its documents; what it leaves out has a safe default."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from wallet.utilities.base import Case, Claim, DocumentType, Rules, Source, Utility
from wallet.utilities.catalogue import Plugin
from wallet.utilities.declaration import faults_of_declaration

KIND = DocumentType(
    code="made_up",
    title={"vi": "Giấy mẫu", "en": "Sample"},
    claims=(Claim(1, "full_name", source=Source.POPULATION),),
    validity=timedelta(days=30),
)
RULES = Rules("1", date(2026, 1, 1), "-")
UTILITY = Utility("made_up", 1, KIND.title, "c06", (KIND,), (RULES,), reasons=("no_right", "not_readable"))
SPLIT = replace(UTILITY, supplements=("not_readable",))
CASE = Case(datetime(2026, 3, 2, 5, tzinfo=UTC), date(2026, 3, 2))
WORDS = {"claims": {"full_name": "x"}, "reasons": {"no_right": "x", "not_readable": "x"}}


@pytest.mark.parametrize(
    ("utility", "action", "reasons"),
    [
        (UTILITY, "reject", ("no_right", "not_readable")),
        (UTILITY, "request_supplement", ("no_right", "not_readable")),
        (SPLIT, "reject", ("no_right",)),
        (SPLIT, "request_supplement", ("not_readable",)),
        (SPLIT, "send_back", ("no_right", "not_readable")),
        (replace(UTILITY, reasons=()), "reject", ()),
    ],
)
def test_each_move_has_its_reasons(utility: Utility, action: str, reasons: tuple[str, ...]) -> None:
    assert utility.reasons_for(action) == reasons


def test_a_supplement_that_is_no_reason_is_a_fault() -> None:
    told = "the supplement blurred is no reason"
    assert told not in faults_of_declaration(Plugin(SPLIT, {"vi": WORDS, "en": WORDS}, "made.up"))
    broken = replace(UTILITY, supplements=("not_readable", "blurred"))
    assert told in faults_of_declaration(Plugin(broken, {"vi": WORDS, "en": WORDS}, "made.up"))


def test_any_change_voids_nothing_replaces_and_all_is_shown_unless_it_says_otherwise() -> None:
    assert KIND.void_if({}, CASE)
    assert not KIND.supersedes
    assert UTILITY.withheld(CASE) == frozenset()
