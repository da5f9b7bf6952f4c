"""Status lists in shards, suspension of documents"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "status_sequences",
        sa.Column("status_list", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("status_list", name=op.f("pk_status_sequences")),
    )
    op.execute("INSERT INTO status_sequences (status_list, changes) SELECT id, changes FROM status_lists")
    with op.batch_alter_table("status_lists", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shard", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("full", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.drop_column("changes")
        batch_op.create_index("ix_status_lists_full_shard", ["full", "shard", "id"], unique=False)
    op.execute(
        sa.text('UPDATE status_lists SET "full" = :yes WHERE used >= 1 << bits_log2_size').bindparams(
            sa.bindparam("yes", True, sa.Boolean())
        )
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("suspension_reason", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_column("suspension_reason")
        batch_op.drop_column("suspended_at")
    with op.batch_alter_table("status_lists", schema=None) as batch_op:
        batch_op.drop_index("ix_status_lists_full_shard")
        batch_op.add_column(sa.Column("changes", sa.Integer(), server_default="0", nullable=False))
        batch_op.drop_column("full")
        batch_op.drop_column("shard")
    op.execute(
        "UPDATE status_lists SET changes = COALESCE("
        "(SELECT changes FROM status_sequences WHERE status_list = status_lists.id), 0)"
    )
    op.drop_table("status_sequences")
