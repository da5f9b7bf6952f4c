"""Accounts counted by level"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_accounts_level_state", "accounts", ["level", "state"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_accounts_level_state", table_name="accounts")
