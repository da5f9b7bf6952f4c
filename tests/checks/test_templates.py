"""Templates: everything that they name is there, nothing strict is shown to a gate, and each has words."""

import pytest

from wallet.checks.purposes import STRICT, PurposeKind, faults_of
from wallet.checks.templates import TEMPLATES, Template, purposes_of, title_of
from wallet.utilities.base import Asking
from wallet.utilities.catalogue import Catalogue

OPEN = {"bank", "employer", "school", "traffic_police"}
"""Those whose law no source settled: whoever registers states it."""


@pytest.fixture
def template(request: pytest.FixtureRequest) -> Template:
    return TEMPLATES[request.param]


every = pytest.mark.parametrize("template", sorted(TEMPLATES), indirect=True)


@every
def test_whatever_a_template_names_is_there(template: Template, built_in: Catalogue) -> None:
    known = {document.code: document for plugin in built_in for document in plugin.utility.documents}
    made = {stated["code"]: stated for stated in purposes_of(template, built_in)}
    for purpose in template.purposes:
        assert purpose.claims.keys() == made[purpose.code]["claims"].keys()
        for code, shown in purpose.claims.items():
            names = known[code].views[shown] if isinstance(shown, str) else shown
            assert names
            assert set(names) <= set(known[code].names)
            assert made[purpose.code]["claims"][code] == sorted(names)
            assert known[code].asking is not Asking.NEVER


@every
def test_a_template_is_sound_once_its_law_is_stated(template: Template, built_in: Catalogue) -> None:
    made = purposes_of(template, built_in, "Luật")
    assert all(stated["legal_ground"] for stated in made)
    stated = [{**each, "strict_ground": each["strict_ground"] or "Luật"} for each in made]
    assert faults_of(stated, built_in) == {}
    assert (template.code in OPEN) is any(not each["legal_ground"] for each in purposes_of(template, built_in))


@every
def test_a_gate_sees_nothing_strict(template: Template, built_in: Catalogue) -> None:
    for stated in purposes_of(template, built_in):
        if stated["kind"] == PurposeKind.GATE:
            names = {name for claims in stated["claims"].values() for name in claims}
            assert {"full_name", "birth_date", "portrait_hash"} <= names
            assert not names & STRICT.keys()
            assert "number" not in names
            assert stated["strict_ground"] == ""


@every
def test_a_template_speaks_both_languages(template: Template, built_in: Catalogue) -> None:
    for title in (title_of(template), *(stated["title"] for stated in purposes_of(template, built_in))):
        assert title["vi"] != title["en"]
        assert all(title.values())


def test_strict_claims_are_those_of_somebodys_home_and_faith(built_in: Catalogue) -> None:
    known = {name for plugin in built_in for document in plugin.utility.documents for name in document.names}
    assert STRICT.keys() - known <= {"religion"}, "a name that no document has guards nothing"
    assert {"religion", "ethnicity", "permanent_address", "household_members"} <= STRICT.keys()
    assert all(PurposeKind.GATE not in kinds for kinds in STRICT.values())


def test_a_document_that_is_not_installed_is_left_out(built_in: Catalogue) -> None:
    without = Catalogue({plugin.utility.code: plugin for plugin in built_in if plugin.utility.code != "identity"})
    hotel = purposes_of(TEMPLATES["hotel"], without)[0]
    assert hotel["claims"].keys() == {"residence"}
