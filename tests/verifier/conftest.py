import pytest

from tests.verifier.world import World
from wallet.verifier import Policy, TrustedBundle


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def trust(world: World) -> TrustedBundle:
    return world.trust()


@pytest.fixture
def anyone() -> Policy:
    """A verifier without demands."""
    return Policy()
