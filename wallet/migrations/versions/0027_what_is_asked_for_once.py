"""What no two requests ask for at a time. A request under way takes it when it is sent again, none by this."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "requests_once",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_requests_once_request_id_requests")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_requests_once")),
    )
    with op.batch_alter_table("requests_once", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_requests_once_request_id"), ["request_id"], unique=False)


def downgrade() -> None:
    op.drop_table("requests_once")
