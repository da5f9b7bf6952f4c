"""Utilities as data"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "utility_definitions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("approval_id", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_utility_definitions")),
        sa.UniqueConstraint("code", "version", name="uq_utility_definitions_version"),
        sa.UniqueConstraint("number", name="uq_utility_definitions_number"),
    )
    with op.batch_alter_table("utility_definitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_utility_definitions_proposed_at"), ["proposed_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("utility_definitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_utility_definitions_proposed_at"))
    op.drop_table("utility_definitions")
