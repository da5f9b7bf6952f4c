"""How the commands that launch a utility tell what is so now, and what waits: in words, or for programs."""

import json
from typing import Any

import click

from wallet.commands.console import say, step
from wallet.launching.orders import PendingChange
from wallet.launching.schedule import Launch
from wallet.texts.catalogue import lookup
from wallet.working_days import ZONE


def tell(launch: Launch, as_json: bool, waiting: PendingChange | None = None) -> None:
    """Tell how far a utility is launched, and what waits for a second admin."""
    if as_json:
        click.echo(json.dumps(_body(launch) | ({"awaiting": _pending(waiting)} if waiting else {}), ensure_ascii=False))
        return
    words = " / ".join(lookup("states", str(launch.state), language) for language in ("vi", "en"))
    click.echo(f"{launch.code}: {words}, v{launch.version}")
    for name, value in launch.plan.audience.to_json().items():
        click.echo(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")
    for entry in launch.schedule:
        click.echo(f"  {entry.at.astimezone(ZONE):%d/%m/%Y %H:%M} → {entry.plan.state}  ({entry.id})")
    if waiting is not None:
        tell_waiting(waiting, as_json=False)


def tell_waiting(pending: PendingChange, as_json: bool) -> None:
    """Tell what waits for a second admin, and where they agree to it."""
    if as_json:
        click.echo(json.dumps(_pending(pending), ensure_ascii=False))
        return
    until = f"{pending.expires_at.astimezone(ZONE):%H:%M %d/%m/%Y}"
    step(f"{pending.code} → {pending.target}: chờ người thứ hai đến {until} / waits for a second admin: {pending.id}")
    say(f"  → POST /v1/admin/approvals/{pending.id}/decision (docs/operating.md, section 10)")


def _body(launch: Launch) -> dict[str, Any]:
    return {
        "code": launch.code,
        **launch.plan.to_json(),
        "version": launch.version,
        "reason": launch.reason,
        "changed_by": launch.changed_by,
        "pause_text": dict(launch.pause_text),
        "schedule": [entry.to_json() for entry in launch.schedule],
    }


def _pending(pending: PendingChange) -> dict[str, Any]:
    return {
        "id": pending.id,
        "status": "awaiting_approval",
        "code": pending.code,
        "before": pending.before.to_json(),
        "after": pending.after.to_json(),
        "effective_at": None if pending.effective_at is None else pending.effective_at.isoformat(),
        **({"takes_back": pending.takes_back} if pending.takes_back else {}),
        "requested_by": pending.requested_by,
        "expires_at": pending.expires_at.isoformat(),
    }
