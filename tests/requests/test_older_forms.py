"""A form that changed since a request was sent: what was sent then bars nothing, and counts as far as it is read."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.documents.people import actor_of
from tests.utilities.judicial_record import test_at_the_desk as judicial
from tests.utilities.judicial_record.test_at_the_desk import NO_1_ASKED, decide, seen
from tests.utilities.lodging_notice.notices import answers, guest
from wallet.errors import AnswersRejected, Conflict, InvalidInput
from wallet.requests.moving import Word
from wallet.requests.orders import RequestOrder, UtilityRequest
from wallet.utilities.base import Ask, Field
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

Form = tuple[Field, ...]
DAYS = {"arrived_at": "2026-03-02T20:30:00+07:00", "leaves_on": "2026-03-05"}
LONG = "Thôn 3, Xã Bát Tràng, Thành phố Hà Nội, cạnh đình làng, sau chợ"
VEHICLE = Field("vehicle", required=False)


def with_form(wallet: Wallet, code: str, change: Callable[[Form], Form]) -> Wallet:
    """Return the wallet as it is where a utility asks something else."""
    plugins = {plugin.utility.code: plugin for plugin in wallet.catalogue}
    real = plugins[code].utility
    plugins[code] = replace(plugins[code], utility=replace(real, form=change(real.form)))
    return replace(wallet, catalogue=Catalogue(plugins))


def in_guests(change: Callable[[Field], Field]) -> Callable[[Form], Form]:
    """Change every field of the record of a guest."""
    return lambda form: tuple(
        replace(field, fields=tuple(map(change, field.fields))) if field.name == "guests" else field for field in form
    )


def notify(wallet: Wallet, typed: Mapping[str, Any]) -> UtilityRequest:
    with wallet.work() as work:
        return work.requests.submit(RequestOrder("lodging_notice", typed), actor_of(wallet))


def pensioner(**changes: Any) -> dict[str, Any]:
    return guest(**DAYS, **changes)


def mother(**changes: Any) -> dict[str, Any]:
    return pensioner(full_name="Trần Thị Bưởi", document_number="099160000321", birth_date="1960-01-02", **changes)


# --- What was sent before, in the case of what is sent now -----------------------------------------------------------


def test_an_answer_that_is_asked_no_more_bars_no_new_request(wallet: Wallet) -> None:
    older = with_form(wallet, "lodging_notice", lambda form: (*form, VEHICLE))
    notify(older, answers(pensioner(), vehicle="xe máy"))
    other = notify(wallet, answers(mother()))
    assert other.state == "sent"


def test_what_can_be_read_of_it_still_counts(wallet: Wallet, state: Any) -> None:
    """A relative is notified once, also where the notice of then had one more field."""
    older = with_form(wallet, "lodging_notice", lambda form: (*form, VEHICLE))
    notify(older, answers(pensioner(), vehicle="xe máy"))
    before = state()["requests"]
    with pytest.raises(AnswersRejected) as refused:
        notify(wallet, answers(pensioner()))
    assert refused.value.fields == {"/answers/guests/0/relation": "relative_notified"}
    assert state()["requests"] == before


def test_an_answer_that_may_not_be_given_any_more_bars_no_new_request(wallet: Wallet) -> None:
    notify(wallet, answers(pensioner()))
    today = with_form(
        wallet,
        "lodging_notice",
        lambda form: tuple(
            replace(field, choices=("rented_rooms",)) if field.name == "place_kind" else field for field in form
        ),
    )
    assert notify(today, answers(mother(), place_kind="rented_rooms")).state == "sent"


def test_a_record_that_cannot_be_read_whole_is_left_out(wallet: Wallet) -> None:
    """Today's form wants addresses with more to them: whom the old notice told of is not known well enough."""
    notify(wallet, answers(pensioner(), mother(address=LONG)))
    today = with_form(
        wallet,
        "lodging_notice",
        in_guests(lambda each: replace(each, size=(60, 200)) if each.name == "address" else each),
    )
    assert notify(today, answers(pensioner(address=LONG))).state == "sent"
    with pytest.raises(AnswersRejected) as refused:
        notify(today, answers(mother(address=LONG)))
    assert refused.value.fields == {"/answers/guests/0/relation": "relative_notified"}


# --- A request that was sent under another form ----------------------------------------------------------------------


def sent_with(wallet: Wallet, field: Field, value: Any) -> UtilityRequest:
    """Send and pay for a certificate whose form asked one thing more than today's."""
    older = with_form(wallet, "judicial_record", lambda form: (*form, field))
    request = judicial.ask(older, "tich", {**NO_1_ASKED, field.name: value})
    judicial.pay(older, request, "tich")
    return request


def test_an_office_answers_what_was_sent_when_the_form_asked_more(wallet: Wallet) -> None:
    request = sent_with(wallet, VEHICLE, "xe máy")
    decide(wallet, request, "accept", "approve")
    assert seen(wallet, request, "tich").request.state == "issued"


def test_an_office_does_not_answer_what_today_cannot_be_read_and_is_told_to_ask(wallet: Wallet, state: Any) -> None:
    request = sent_with(wallet, VEHICLE, "xe máy")
    today = with_form(wallet, "judicial_record", lambda form: (*form, Field("why", Ask.LINES)))
    decide(today, request, "accept")
    before = state()["requests"]
    with pytest.raises(Conflict) as refused:
        decide(today, request, "approve")
    assert refused.value.code == "answers_outdated"
    assert [row[1:] for row in before] == [row[1:] for row in state()["requests"]]
    decide(today, request, "request_supplement", word=Word("history_incomplete", "Nêu lý do xin cấp."))
    with today.work() as work:
        row = work.requests.get(request.id, actor_of(wallet, "tich")).request
        with pytest.raises(InvalidInput) as missing:
            work.requests.act(request.id, "supplement", actor_of(wallet, "tich"))
        assert missing.value.fields == {"/answers/why": "required"}
    with today.work() as work:
        work.requests.edit(request.id, {"why": "Xin việc."}, row.version, actor_of(wallet, "tich"))
        work.requests.act(request.id, "supplement", actor_of(wallet, "tich"))
    decide(today, request, "accept", "approve")
    assert seen(today, request, "tich").request.state == "issued"


def test_the_desk_the_holder_and_the_slip_show_it_as_it_was_sent(wallet: Wallet) -> None:
    request = sent_with(wallet, VEHICLE, "xe máy")
    decide(wallet, request, "accept")
    whole = seen(wallet, request, "tich")
    assert whole.answers["vehicle"] == "xe máy"
    assert [paper.kind for paper in whole.papers] == ["slip"]
