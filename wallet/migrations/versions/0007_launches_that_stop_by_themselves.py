"""Launches that stop by themselves"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("utility_states", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stop_rule", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.create_index("ix_requests_sent", "requests", ["utility", "submitted_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_requests_sent", table_name="requests")
    with op.batch_alter_table("utility_states", schema=None) as batch_op:
        batch_op.drop_column("stop_rule")
