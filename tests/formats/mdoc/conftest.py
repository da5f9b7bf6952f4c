import pytest

from tests.formats.mdoc.world import MdocWorld


@pytest.fixture(scope="session")
def country() -> MdocWorld:
    return MdocWorld()
