"""Nobody is shown a bare code: what registers state, what a form offers and what a document states has words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.phone import CitizenPhone
from tests.support import GROUND
from wallet.demo.personas import persona
from wallet.errors import NotFound
from wallet.sources.base import RegisterCode
from wallet.utilities.base import Claim, Source
from wallet.utilities.catalogue import Catalogue
from wallet.web.states import claim_codes, value_codes
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]


def words_of(codes: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    assert all(each["label"]["vi"] != each["label"]["en"] for each in codes)
    return {(each["name"], each["code"]): each["label"]["vi"] for each in codes}


def facts(phone: CitizenPhone, utility: str) -> dict[str, dict[str, Any]]:
    response = phone.get(f"/v1/me/utilities/{utility}/facts")
    assert response.status_code == 200, response.text
    return {each["name"]: each for each in (response.json or {})["data"]}


def test_facts_and_offers_of_vehicles_have_words_for_their_codes(phone_of: Make) -> None:
    phone = phone_of("an")
    assert phone.post("/v1/me/utilities/vehicle_registration/link").status_code == 200
    shown = facts(phone, "vehicle_registration")["vehicles"]
    stated = {(name, each[name]) for each in shown["value"] for name in ("kind", "state")}
    assert words_of(shown["codes"]).keys() == stated
    assert words_of(shown["codes"])["kind", "car"] == "Xe ô tô"
    form = (phone.get("/v1/me/utilities/vehicle_registration/form").json or {})["data"]
    (which,) = [each for each in form if "offers" in each]
    assert words_of(which["codes"]) == words_of(shown["codes"])


def test_a_fact_without_a_code_has_none(phone_of: Make) -> None:
    shown = facts(phone_of("an"), "residence")
    assert shown["full_name"]["codes"] == []
    assert words_of(shown["residence_history"]["codes"]) == {
        ("kind", "permanent"): "Thường trú",
        ("kind", "temporary"): "Tạm trú",
    }


def test_a_document_of_words_has_no_codes(phone_of: Make) -> None:
    phone = phone_of("an")
    made = phone.post("/v1/requests", {"utility": "residence"}).json or {}
    assert (phone.get(f"/v1/documents/{made['document_id']}").json or {})["codes"] == []


def test_a_code_that_a_register_made_up_since_is_its_own_word(built_in: Catalogue) -> None:
    plugin = built_in.plugin("driving_licence")
    assert value_codes(plugin, "licences", [{"state": "lost"}, {"state": "valid", "points": 12}]) == [
        {"name": "state", "code": "lost", "label": {"vi": "lost", "en": "lost"}},
        {"name": "state", "code": "valid", "label": {"vi": "Còn hiệu lực", "en": "In force"}},
    ]


@pytest.mark.parametrize("value", [None, 3, True, [], {}, [None], "Anh", [{"colour": "valid"}]])
def test_what_is_no_code_has_no_words(built_in: Catalogue, value: Any) -> None:
    assert value_codes(built_in.plugin("driving_licence"), "licences", value) == []


def test_a_claim_that_states_a_choice_has_the_words_of_the_choice(built_in: Catalogue) -> None:
    """As a utility does that an admin defined: its claim is what was chosen in the form."""
    plugin = built_in.plugin("judicial_record")
    kind = plugin.utility.documents[0]
    reason = Claim(99, "reason", source=Source.DECLARED, fact="purpose")
    utility = replace(plugin.utility, documents=(replace(kind, claims=(*kind.claims, reason)),))
    found = claim_codes(replace(plugin, utility=utility), {"reason": "visa", "full_name": "Nguyễn Mẫu An"})
    assert [(each["name"], each["code"]) for each in found] == [("reason", "visa")]
    assert found[0]["label"] == plugin.words("choices", "purpose.visa")


def test_every_code_of_the_demo_has_words(wallet: Wallet) -> None:
    """What the embedded registers state of the personas is covered by what the plug-ins declare."""
    for plugin in wallet.catalogue:
        for register in plugin.utility.shows:
            for key in ("an", "giay", "noi", "sau", "xa", "doi"):
                read = wallet.registers[RegisterCode(register)].read
                try:
                    values = read(persona(key).number, GROUND).values
                except NotFound:
                    continue
                for name in plugin.utility.shows[register]:
                    for found in value_codes(plugin, name, values.get(name)):
                        assert found["code"] in plugin.utility.codes.get(found["name"], ()), found
