"""In which states a utility can be, and which follow which: data, and nothing that decides."""

from enum import StrEnum


class LaunchState(StrEnum):
    """How far a utility is launched. What was issued still verifies in each of them.

    Off: not launched, or withdrawn. Sandbox: for listed testers alone. Pilot: for whom its audience takes in. Open: for
    everyone. Paused: nothing new for now, and no document of what was asked before. Retired: nothing new, for good.
    """

    OFF = "off"
    SANDBOX = "sandbox"
    PILOT = "pilot"
    OPEN = "open"
    PAUSED = "paused"
    RETIRED = "retired"

    @property
    def runs(self) -> bool:
        """Whether anybody at all may ask for something new."""
        return self in _RUNNING

    @property
    def answers(self) -> bool:
        """Whether documents come of what was asked before: where it is retired what is open runs out."""
        return self not in (LaunchState.OFF, LaunchState.PAUSED)


_RUNNING = frozenset({LaunchState.SANDBOX, LaunchState.PILOT, LaunchState.OPEN})
_ENDED = frozenset({LaunchState.OFF, LaunchState.RETIRED})

NEXT: dict[LaunchState, frozenset[LaunchState]] = {
    LaunchState.OFF: _RUNNING | {LaunchState.RETIRED},
    LaunchState.SANDBOX: _RUNNING - {LaunchState.SANDBOX} | _ENDED | {LaunchState.PAUSED},
    LaunchState.PILOT: _RUNNING - {LaunchState.PILOT} | _ENDED | {LaunchState.PAUSED},
    LaunchState.OPEN: _RUNNING - {LaunchState.OPEN} | _ENDED | {LaunchState.PAUSED},
    LaunchState.PAUSED: _RUNNING | _ENDED,
    LaunchState.RETIRED: frozenset(),
}
"""From a state to those that can follow it. Another audience of the same state is no transition."""

LIMITED = frozenset({LaunchState.SANDBOX, LaunchState.PILOT})
"""The states that have an audience."""
