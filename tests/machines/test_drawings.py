"""Whatever the docs draw as a state machine is walked whole by one here, and by chance besides.

`test_request_life.py` takes the lifecycles of the contract, `test_launch_life.py` a launch; both fail and name what was
never walked. A drawing that neither knows fails here: of a plug-in that brings a lifecycle of its own, of anything new.
"""

import re
from pathlib import Path

from tests.machines import test_launch_life, test_request_life
from wallet.launching import drawing as launching
from wallet.utilities import drawing as utilities
from wallet.utilities.catalogue import Catalogue

DOCS = Path(__file__).parents[2] / "docs"


def drawn() -> list[str]:
    """Return every state diagram of the documentation."""
    pages = [page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))]
    return [each for page in pages for each in re.findall(r"(stateDiagram-v2\n.*?)\n```", page, re.DOTALL)]


def test_every_machine_that_is_drawn_is_walked() -> None:
    walked = {utilities.mermaid(lifecycle) for lifecycle in test_request_life.LIFECYCLES} | {launching.mermaid()}
    assert len(drawn()) == len(set(drawn())) >= 7
    assert set(drawn()) == walked
    assert test_request_life.test_every_arrow_is_walked
    assert test_launch_life.test_every_transition_is_walked


def test_every_lifecycle_of_a_utility_is_one_that_is_walked(built_in: Catalogue) -> None:
    walked = {lifecycle.code: lifecycle for lifecycle in test_request_life.LIFECYCLES}
    for plugin in built_in:
        lifecycle = plugin.utility.lifecycle
        assert walked.get(lifecycle.code) == lifecycle, plugin.utility.code
