"""A citizen with a paper, a desk that may see all of it; and what a request left behind, asked as of the web ring."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.checks.verifier import Desk, purpose_json
from tests.phone import CitizenPhone
from tests.web.conftest import events, gone, unchanged
from wallet.wiring import Wallet

__all__ = ["events", "gone", "unchanged"]


@pytest.fixture
def phone(phone_of: Callable[..., CitizenPhone]) -> CitizenPhone:
    found = phone_of("an")
    found.step_up(2)
    return found


@pytest.fixture
def residence(phone: CitizenPhone) -> str:
    return phone.issue_residence()


@pytest.fixture
def desk(wallet: Wallet, client: FlaskClient) -> Desk:
    return Desk.open(wallet, client, purpose_json(portrait=True))
