"""Draws lifecycles as Mermaid text, out of the data that drives them: docs/lifecycles.md is made here."""

from collections.abc import Iterable

from wallet.utilities.base import By, Lifecycle, Move
from wallet.utilities.declaration import LIFECYCLES
from wallet.utilities.plugin import Plugin

WHO = {
    By.HOLDER: "holder",
    By.OFFICER: "officer",
    By.PAYMENT: "payment",
    By.STEPS: "last step",
    By.OTHER: "whoever has to agree",
    By.SYSTEM: "system",
}
WHAT = {
    "instant": "Answered as it is asked.",
    "reviewed": "An officer takes it, has things verified, asks for what is missing, decides.",
    "four_eyes": "As `reviewed`, and a second officer signs.",
    "answered": "A report: its receipt is given at once, what came of it later.",
    "notice": "A notice: it counts from when it was sent; its receipt is void when it ends, is cancelled or sent back.",
    "linked": "One request, several agencies' steps one after the other; the document comes with the last of them.",
}
TOP = """# Lifecycles

How a request goes through, drawn from the data that drives it (`wallet/utilities/lifecycles.py`, and the plug-ins that
bring a lifecycle of their own). Nobody edits this page: `wallet utilities draw --out docs/lifecycles.md` writes it, and
a test fails while it says something else than the data does.

On an arrow stand the action and who makes it. **issues**: the document is issued with it; **voids**: it is revoked with
it; **reason**: one of the utility's list is given; **second**: another officer than the one before; **lays out**: the
sub-tasks begin with it; **extends**: the longer term of the deadline counts; **receives**: a receipt with the promised
date is made out. In a state marked ⏸ the office's clock stands still: it is the applicant's turn.
"""


def page(plugins: Iterable[Plugin]) -> str:
    """Return docs/lifecycles.md: the lifecycles of the contract, then those that plug-ins bring."""
    ours = {lifecycle.code for lifecycle in LIFECYCLES}
    parts = [TOP, *(_section(lifecycle, WHAT[lifecycle.code]) for lifecycle in LIFECYCLES)]
    for plugin in plugins:
        lifecycle = plugin.utility.lifecycle
        if lifecycle.code not in ours:
            ours.add(lifecycle.code)
            parts.append(_section(lifecycle, f"Of the utility `{plugin.utility.code}`."))
    return "\n".join(parts)


def mermaid(lifecycle: Lifecycle) -> str:
    """Return the state diagram of a lifecycle. Source: mermaid.js.org, syntax of `stateDiagram-v2`."""
    lines = ["stateDiagram-v2", f"    [*] --> {lifecycle.states[0]}"]
    lines += [f"    {state} : {state} ⏸" for state in lifecycle.states if state in lifecycle.waiting]
    lines += [f"    {move.source} --> {move.target} : {_label(move)}" for move in lifecycle.moves]
    lines += [f"    {state} --> [*]" for state in lifecycle.states if state in lifecycle.final]
    return "\n".join(lines)


def _section(lifecycle: Lifecycle, what: str) -> str:
    return f"## `{lifecycle.code}`\n\n{what}\n\n```mermaid\n{mermaid(lifecycle)}\n```\n"


def _label(move: Move) -> str:
    names = ("issues", "voids", "reason", "second", "lays_out", "extends", "receives")
    marks = [name.replace("_", " ") for name in names if getattr(move, name)]
    return f"{move.action} ({', '.join([WHO[move.by], *marks])})"
