"""What an agency could not do, or not in time, is remembered: nothing is granted until it was asked anew and done."""

from dataclasses import replace
from typing import Any

import pytest

from tests.documents.people import actor_of
from tests.support import FixedClock
from tests.utilities.judicial_record.test_at_the_desk import NO_1_ASKED, ask, decide, officer, pay, report, seen
from wallet.errors import Conflict
from wallet.requests.desk import DeskDetail
from wallet.requests.moving import Word
from wallet.requests.orders import StepView, UtilityRequest
from wallet.utilities.base import FOUR_EYES
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

RECORDS, PROVINCE = "records_department", "province_police"
MORE = Word("history_incomplete", "Bổ sung nghề nghiệp.")


def verifying(wallet: Wallet) -> UtilityRequest:
    """Return a request that is verified at the records department first."""
    request = ask(wallet, "tich", NO_1_ASKED)
    pay(wallet, request, "tich")
    decide(wallet, request, "accept", "verify")
    return request


def fail(wallet: Wallet, request: UtilityRequest, step: str = RECORDS, reason: str = "data_mismatch") -> None:
    actor = officer(wallet, step)
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, step, {}, reason, actor)


def supplemented(wallet: Wallet, request: UtilityRequest) -> None:
    """Ask for more, get it, and take the request in again."""
    decide(wallet, request, "request_supplement", word=MORE)
    with wallet.work() as work:
        work.requests.act(request.id, "supplement", actor_of(wallet, "tich"))
    decide(wallet, request, "accept")


def opened(wallet: Wallet, request: UtilityRequest) -> DeskDetail:
    actor = officer(wallet)
    with wallet.work() as work:
        return work.review_desk.open(request.id, "review", actor)


def step_of(wallet: Wallet, request: UtilityRequest, code: str = RECORDS) -> StepView:
    return next(step for step in opened(wallet, request).detail.steps if step.code == code)


def refused(wallet: Wallet, request: UtilityRequest, state: Any, action: str = "approve") -> None:
    """Assert that nothing is granted, that nothing changes by it, and that the desk offers no such thing."""
    assert action not in opened(wallet, request).actions
    before = state()["requests"], state()["request_steps"], state()["documents"]
    actor = officer(wallet)
    version = opened(wallet, request).detail.request.version
    with pytest.raises(Conflict) as caught, wallet.work() as work:
        work.review_desk.decide(request.id, action, Word(), version, actor)
    assert caught.value.code == "verification_unfinished"
    assert (state()["requests"], state()["request_steps"], state()["documents"]) == before


def test_a_failed_verification_stands_after_a_supplement_and_nothing_is_approved_over_it(
    wallet: Wallet, state: Any
) -> None:
    request = verifying(wallet)
    fail(wallet, request)
    supplemented(wallet, request)
    failed = step_of(wallet, request)
    assert (failed.state, failed.reason) == ("failed", "data_mismatch")
    assert {"verify", "reject", "request_supplement"} == opened(wallet, request).actions.keys()
    refused(wallet, request, state)


def test_it_is_asked_anew_and_the_desk_still_shows_why_it_failed_before(wallet: Wallet, state: Any) -> None:
    request = verifying(wallet)
    fail(wallet, request)
    supplemented(wallet, request)
    decide(wallet, request, "verify")
    again = step_of(wallet, request)
    assert (again.state, again.reason, again.done_at) == ("active", "data_mismatch", None)
    for step in [step.code for step in opened(wallet, request).detail.steps]:
        report(wallet, request, step)
    assert step_of(wallet, request).state == "done"
    assert step_of(wallet, request).reason is None
    failures = [entry for entry in seen(wallet, request, "tich").timeline if entry.action == "step_failed"]
    assert [(entry.step, entry.reason) for entry in failures] == [(RECORDS, "data_mismatch")]
    decide(wallet, request, "approve")
    assert seen(wallet, request, "tich").request.state == "issued"


def test_it_may_be_refused_instead(wallet: Wallet) -> None:
    request = verifying(wallet)
    fail(wallet, request)
    supplemented(wallet, request)
    decide(wallet, request, "reject", word=Word("data_mismatch", "Không khớp."))
    assert seen(wallet, request, "tich").request.state == "rejected"
    with wallet.read() as work:
        (step, *_) = work.requests.get(request.id, actor_of(wallet, "tich")).steps
    assert (step.state, step.reason) == ("failed", "data_mismatch")


def test_what_was_late_and_never_answered_is_not_forgotten_either(
    wallet: Wallet, clock: FixedClock, state: Any
) -> None:
    request = verifying(wallet)
    clock.advance(days=20)
    wallet.look_after_requests()
    assert step_of(wallet, request).reminders == 1
    supplemented(wallet, request)
    assert (step_of(wallet, request).state, step_of(wallet, request).reminders) == ("waiting", 1)
    refused(wallet, request, state)
    decide(wallet, request, "verify")
    assert (step_of(wallet, request).state, step_of(wallet, request).reminders) == ("active", 1)


def test_what_was_asked_is_asked_anew_also_where_the_case_would_not_need_it_any_more(
    wallet: Wallet, state: Any
) -> None:
    request = verifying(wallet)
    fail(wallet, request)
    supplemented(wallet, request)
    plugins = {plugin.utility.code: plugin for plugin in wallet.catalogue}
    real = plugins["judicial_record"].utility
    needless = replace(real, steps=tuple(replace(step, needed=lambda _: False) for step in real.steps))
    plugins["judicial_record"] = replace(plugins["judicial_record"], utility=needless)
    today = replace(wallet, catalogue=Catalogue(plugins))
    refused(today, request, state)
    decide(today, request, "verify")
    for step in [step.code for step in opened(today, request).detail.steps]:
        report(today, request, step)
    decide(today, request, "approve")
    assert seen(today, request, "tich").request.state == "issued"


def test_with_four_eyes_nobody_proposes_over_it(wallet: Wallet, state: Any) -> None:
    plugins = {plugin.utility.code: plugin for plugin in wallet.catalogue}
    two = replace(plugins["judicial_record"].utility, lifecycle=FOUR_EYES)
    plugins["judicial_record"] = replace(plugins["judicial_record"], utility=two)
    wallet = replace(wallet, catalogue=Catalogue(plugins))
    request = verifying(wallet)
    fail(wallet, request)
    supplemented(wallet, request)
    refused(wallet, request, state)


def test_what_was_never_asked_keeps_nobody_from_deciding(wallet: Wallet, clock: FixedClock) -> None:
    request = ask(wallet, "tich", NO_1_ASKED)
    pay(wallet, request, "tich")
    decide(wallet, request, "accept")
    supplemented(wallet, request)
    clock.advance(hours=1)
    decide(wallet, request, "approve")
    assert seen(wallet, request, "tich").request.state == "issued"
