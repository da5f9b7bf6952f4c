"""Launching by audience, at a time, by two"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FORMER_PATIENCE = timedelta(days=7)


def upgrade() -> None:
    op.create_table(
        "utility_testers",
        sa.Column("utility", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("utility", "account_id", name=op.f("pk_utility_testers")),
    )
    with op.batch_alter_table("utility_testers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_utility_testers_account_id"), ["account_id"], unique=False)

    with op.batch_alter_table("utility_states", schema=None) as batch_op:
        batch_op.add_column(sa.Column("audience", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
        batch_op.add_column(sa.Column("pause_text", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
        batch_op.add_column(sa.Column("schedule", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
        batch_op.add_column(sa.Column("next_change_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_utility_states_next_change_at"), ["next_change_at"], unique=False)

    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.add_column(sa.Column("before", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
        batch_op.add_column(sa.Column("comment", sa.String(length=500), server_default="", nullable=False))
        batch_op.add_column(sa.Column("answer", sa.String(length=500), server_default="", nullable=False))
        batch_op.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))

    _give_old_approvals_an_end()
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.alter_column("expires_at", existing_type=sa.DateTime(timezone=True), nullable=False)


def _give_old_approvals_an_end() -> None:
    """Write what was asked for before as it is asked for now: with what was in force, and with an end."""
    approvals = sa.table(
        "approvals",
        sa.column("id", sa.String()),
        sa.column("kind", sa.String()),
        sa.column("subject", sa.String()),
        sa.column("change", sa.JSON()),
        sa.column("before", sa.JSON()),
        sa.column("requested_at", sa.DateTime(timezone=True)),
        sa.column("expires_at", sa.DateTime(timezone=True)),
    )
    states = sa.table("utility_states", sa.column("code", sa.String()), sa.column("state", sa.String()))
    connection = op.get_bind()
    in_force = {row.code: row.state for row in connection.execute(sa.select(states)).all()}
    for row in connection.execute(sa.select(approvals)).all():
        former = row.change
        change = {
            "plan": {"state": former["target"], "audience": {}},
            "pause_text": {},
            "effective_at": None,
            "reason": former["reason"],
            "version": former["version"],
        }
        connection.execute(
            sa.update(approvals)
            .where(approvals.c.id == row.id)
            .values(
                kind="launch_utility",
                change=change,
                before={"state": in_force.get(row.subject, "off"), "audience": {}},
                expires_at=row.requested_at + FORMER_PATIENCE,
            )
        )


def downgrade() -> None:
    """Go back. An audience, a schedule and a list of testers have no place there: what they limited is off."""
    approvals = sa.table(
        "approvals", sa.column("id", sa.String()), sa.column("kind", sa.String()), sa.column("change", sa.JSON())
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(approvals)).all():
        change = {name: row.change[name] for name in ("reason", "version")} | {"target": row.change["plan"]["state"]}
        connection.execute(
            sa.update(approvals).where(approvals.c.id == row.id).values(kind="open_utility", change=change)
        )
    connection.execute(
        sa.text("UPDATE utility_states SET state = 'off' WHERE state IN ('sandbox', 'pilot', 'retired')")
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.drop_column("expires_at")
        batch_op.drop_column("answer")
        batch_op.drop_column("comment")
        batch_op.drop_column("before")

    with op.batch_alter_table("utility_states", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_utility_states_next_change_at"))
        batch_op.drop_column("next_change_at")
        batch_op.drop_column("schedule")
        batch_op.drop_column("pause_text")
        batch_op.drop_column("audience")

    with op.batch_alter_table("utility_testers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_utility_testers_account_id"))
    op.drop_table("utility_testers")
