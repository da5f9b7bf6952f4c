"""Superseded is told online"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("superseded", sa.Boolean(), server_default=sa.false(), nullable=False))
    changes, documents, copies = (
        sa.table(name, *map(sa.column, columns))
        for name, columns in (
            ("status_changes", ("status_list", "status_index", "value", "superseded")),
            ("documents", ("id", "status_list", "status_index", "revocation_reason")),
            ("document_copies", ("document_id", "status_list", "status_index")),
        )
    )
    superseded = documents.c.revocation_reason == "superseded"
    of_document, of_copy = (
        sa.and_(each.c.status_list == changes.c.status_list, each.c.status_index == changes.c.status_index)
        for each in (documents, copies)
    )
    copied = sa.and_(copies.c.document_id == documents.c.id, of_copy)
    told = sa.or_(
        sa.exists().where(superseded, of_document).select_from(documents).correlate(changes),
        sa.exists().where(superseded, copied).select_from(documents, copies).correlate(changes),
    )
    op.execute(changes.update().where(changes.c.value == 1, told).values(superseded=sa.true()))


def downgrade() -> None:
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_column("superseded")
