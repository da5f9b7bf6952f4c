"""A claim says which register it rests on, also when it is computed, and what the parts of its records are called."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support import NOON
from wallet.documents.issuing import _provenance
from wallet.sources.base import Facts, RegisterCode
from wallet.sources.gathering import Gathered
from wallet.utilities.base import Claim, DocumentType, Kind, Rules, Source, Utility, texts_needed

COMPUTED = Claim(2, "diseases", Kind.RECORDS, basis=Source.HEALTH_RECORDS, parts=("name", "since"))
KIND = DocumentType(
    code="made_up",
    title={"vi": "Giấy mẫu", "en": "Sample"},
    claims=(Claim(1, "full_name", source=Source.POPULATION), COMPUTED, Claim(3, "purpose"), Claim(4, "number_last4")),
    validity=timedelta(days=30),
)


@pytest.mark.parametrize(
    ("claim", "register"),
    [
        (Claim(1, "full_name", source=Source.POPULATION), "population"),
        (COMPUTED, "health_records"),
        (Claim(3, "purpose"), ""),
        (Claim(3, "reason", source=Source.DECLARED), ""),
        (Claim(3, "issued_on", source=Source.REQUEST), ""),
    ],
)
def test_a_claim_names_the_register_it_rests_on(claim: Claim, register: str) -> None:
    assert claim.register == register


def test_a_register_that_only_a_computed_claim_rests_on_is_read() -> None:
    assert KIND.registers == ("population", "health_records")


def test_a_computed_claim_is_as_fresh_as_its_register_and_one_that_rests_on_none_says_nothing() -> None:
    facts = {
        code: Facts(code, {}, NOON + timedelta(days=day))
        for day, code in enumerate((RegisterCode.POPULATION, RegisterCode.HEALTH_RECORDS))
    }
    stated = {"full_name": "Nguyễn Văn An", "diseases": (), "purpose": "doctor"}
    assert _provenance(KIND, stated, Gathered(dict(facts))) == {
        "full_name": {"source": "population", "as_of": NOON.isoformat(timespec="seconds")},
        "diseases": {
            "source": "derived",
            "register": "health_records",
            "as_of": (NOON + timedelta(days=1)).isoformat(timespec="seconds"),
        },
        "purpose": {"source": "derived"},
    }


def test_a_claim_may_keep_the_day_of_its_register_to_itself() -> None:
    undated = replace(KIND, claims=(replace(COMPUTED, undated=True),))
    facts = {RegisterCode.HEALTH_RECORDS: Facts(RegisterCode.HEALTH_RECORDS, {}, NOON)}
    assert _provenance(undated, {"diseases": ()}, Gathered(dict(facts))) == {
        "diseases": {"source": "derived", "register": "health_records"}
    }
    assert undated.registers == ("health_records",)


def test_every_part_of_a_record_needs_words() -> None:
    utility = Utility("made_up", 1, KIND.title, "c06", (KIND,), (Rules("1", NOON.date(), "-"),))
    assert texts_needed(utility)["parts"] == {"diseases.name", "diseases.since"}
