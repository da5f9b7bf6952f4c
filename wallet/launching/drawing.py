"""Draws the states of a launch as Mermaid text, out of the data that drives them: docs/operating.md shows it."""

from wallet.launching.audience import Audience, Plan, widens
from wallet.launching.states import LIMITED, NEXT, LaunchState

_SOME = Audience(permille=1)
_MOST = Audience(permille=999)


def mermaid() -> str:
    """Return the state diagram. On an arrow stands how many admins it takes.

    Source: mermaid.js.org, syntax of `stateDiagram-v2`.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {LaunchState.OFF}"]
    for state in LaunchState:
        lines += [
            f"    {state} --> {target} : {_people(state, target)}" for target in LaunchState if target in NEXT[state]
        ]
    lines += [f"    {state} --> [*]" for state in LaunchState if not NEXT[state]]
    return "\n".join(lines)


def _people(state: LaunchState, target: LaunchState) -> str:
    """Return how many admins a transition takes: the least and the most, by the audiences on both sides."""
    if target is LaunchState.RETIRED:
        return "two"
    sources = (_SOME, _MOST) if state in LIMITED else (Audience(),)
    afters = (_SOME, _MOST) if target in LIMITED else (Audience(),)
    found = {widens(Plan(state, before), Plan(target, after)) for before in sources for after in afters}
    if state in LIMITED and target in LIMITED:
        return "two where it widens"
    return "two" if True in found else "one"
