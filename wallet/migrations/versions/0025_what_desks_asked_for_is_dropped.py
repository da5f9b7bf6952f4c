"""What desks asked for and holders presented is found by when it was over, to be dropped some time later"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_desk_shares_answer_until"), "desk_shares", ["answer_until"])
    op.create_index(op.f("ix_presentations_expires_at"), "presentations", ["expires_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_presentations_expires_at"), table_name="presentations")
    op.drop_index(op.f("ix_desk_shares_answer_until"), table_name="desk_shares")
