"""What the tests of utilities share."""

import pytest

from tests.support import NOON
from wallet.utilities.base import Case
from wallet.working_days import vietnamese_day


@pytest.fixture
def case() -> Case:
    return Case(NOON, vietnamese_day(NOON))
