"""Documents are stored before they are signed"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNSIGNED = sa.text("signed_at IS NULL AND revoked_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column("kid", existing_type=sa.String(length=16), nullable=True)
    op.execute("UPDATE documents SET signed_at = issued_at")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index(
            "ix_documents_unsigned", ["issued_at"], unique=False, sqlite_where=UNSIGNED, postgresql_where=UNSIGNED
        )


def downgrade() -> None:
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_index("ix_documents_unsigned", sqlite_where=UNSIGNED, postgresql_where=UNSIGNED)
    op.execute("UPDATE documents SET kid = '' WHERE kid IS NULL")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.alter_column("kid", existing_type=sa.String(length=16), nullable=False)
        batch_op.drop_column("signed_at")
