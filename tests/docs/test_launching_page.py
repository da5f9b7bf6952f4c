"""The states of a launch are drawn from the data that drives them."""

import re
from pathlib import Path

from wallet.launching.drawing import mermaid
from wallet.launching.states import NEXT, LaunchState

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


def test_page_shows_what_the_data_says() -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert drawn == mermaid()


def test_every_arrow_is_a_transition_and_says_how_many_it_takes() -> None:
    arrows = dict(re.findall(r"^    (\w+ --> \w+) : (.+)$", mermaid(), re.MULTILINE))
    assert arrows.keys() == {f"{state} --> {target}" for state, targets in NEXT.items() for target in targets}
    assert all(people == "two" for arrow, people in arrows.items() if arrow.endswith(("open", "retired")))
    assert all(people == "one" for arrow, people in arrows.items() if arrow.endswith((" off", "paused")))
    assert arrows["open --> pilot"] == "one"
    assert arrows["off --> sandbox"] == "two"
    assert arrows["sandbox --> pilot"] == "two where it widens"
    assert f"{LaunchState.RETIRED} --> [*]" in mermaid()
