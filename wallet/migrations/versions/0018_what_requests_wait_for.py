"""Steps that are late, agreements that are asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("request_steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reminders", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch_op.add_column(sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_request_steps_due", ["state", "reminded_at", "due_at"], unique=False)
    op.create_table(
        "request_agreements",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_request_agreements_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_agreements")),
    )
    with op.batch_alter_table("request_agreements", schema=None) as batch_op:
        batch_op.create_index("ix_request_agreements_due", ["state", "expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_request_agreements_holder_id"), ["holder_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_request_agreements_request_id"), ["request_id"], unique=False)


def downgrade() -> None:
    op.drop_table("request_agreements")
    with op.batch_alter_table("request_steps", schema=None) as batch_op:
        batch_op.drop_index("ix_request_steps_due")
        batch_op.drop_column("reminded_at")
        batch_op.drop_column("reminders")
