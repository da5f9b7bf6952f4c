"""Cards: what a copy shows, and that a lock suspends it"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_SCREENS = sa.text("form IN ('card', 'live')")


def upgrade() -> None:
    with op.batch_alter_table("document_copies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("view", sa.String(length=64), server_default="", nullable=False))
        batch_op.create_index(
            batch_op.f("ix_document_copies_screens"),
            ["expires_at"],
            unique=False,
            sqlite_where=_SCREENS,
            postgresql_where=_SCREENS,
        )
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    # Nobody before this can say what a card is: none may be left that counts and could not be revoked any more.
    op.execute(
        "INSERT INTO status_changes (status_list, sequence, status_index, value, at, superseded, locked) "
        "SELECT c.status_list, q.changes + ROW_NUMBER() OVER (PARTITION BY c.status_list ORDER BY c.id), "
        "c.status_index, 1, CURRENT_TIMESTAMP, q.changes < 0, q.changes < 0 "
        "FROM document_copies c JOIN status_sequences q ON q.status_list = c.status_list "
        "WHERE c.form IN ('card', 'live') AND c.revoked_at IS NULL AND c.expires_at > CURRENT_TIMESTAMP"
    )
    op.execute(
        "UPDATE status_sequences SET changes = (SELECT COALESCE(MAX(s.sequence), 0) FROM status_changes s "
        "WHERE s.status_list = status_sequences.status_list)"
    )
    op.execute("DELETE FROM document_copies WHERE form IN ('card', 'live')")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_column("locked")
    with op.batch_alter_table("document_copies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_copies_screens"))
        batch_op.drop_column("view")
