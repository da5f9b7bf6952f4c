"""For which organisation a request is made, and what it was called when the request was sent"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("organisation_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("organisation_code", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("organisation_name", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_column("organisation_name")
        batch_op.drop_column("organisation_code")
        batch_op.drop_column("organisation_id")
