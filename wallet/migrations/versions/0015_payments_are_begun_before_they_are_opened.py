"""Payments are begun before they are opened"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.alter_column("reference", existing_type=sa.String(length=64), nullable=True)
        batch_op.alter_column("address", existing_type=sa.String(length=500), nullable=True)


def downgrade() -> None:
    payments = sa.table("payments", *map(sa.column, ("id", "state", "reference", "address")))
    op.execute(payments.update().where(payments.c.state == "opening").values(state="expired"))
    op.execute(payments.update().where(payments.c.reference.is_(None)).values(reference=payments.c.id, address=""))
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.alter_column("address", existing_type=sa.String(length=500), nullable=False)
        batch_op.alter_column("reference", existing_type=sa.String(length=64), nullable=False)
