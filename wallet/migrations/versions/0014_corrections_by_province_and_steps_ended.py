"""Corrections by province and steps ended"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UNFINISHED = ("waiting", "active")
CLOSED = ("issued", "rejected", "withdrawn")
"""The states in which a request with sub-tasks was over, when this was written."""


def upgrade() -> None:
    # "" is unknown: nobody noted where the holders of those that are there already lived.
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("province", sa.String(length=16), server_default="", nullable=False))
    # Before steps ended with their request, what was withdrawn or refused left them on their agencies' desks.
    steps = sa.table("request_steps", *map(sa.column, ("request_id", "state", "due_at")))
    requests = sa.table("requests", *map(sa.column, ("id", "state")))
    closed = sa.select(requests.c.id).where(requests.c.state.in_(CLOSED))
    left = steps.c.state.in_(UNFINISHED), steps.c.request_id.in_(closed)
    op.execute(steps.update().where(*left).values(state="ended", due_at=None))


def downgrade() -> None:
    """Take the column away; steps that have ended stay so, for nobody could do anything with them."""
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.drop_column("province")
