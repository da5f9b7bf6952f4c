"""Sub-tasks keep the answers over which they ended; of those that ended before, nobody knows them"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("request_steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed_over", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("request_steps", schema=None) as batch_op:
        batch_op.drop_column("sealed_over")
