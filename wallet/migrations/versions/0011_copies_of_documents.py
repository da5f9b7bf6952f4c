"""Copies of documents in other forms"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "document_copies",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("holder_key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status_list", sa.Integer(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(length=16), nullable=True),
        sa.Column("seal_kid", sa.String(length=16), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_copies")),
        sa.UniqueConstraint(
            "document_id",
            "form",
            "holder_key",
            "number",
            name=op.f("uq_document_copies_document_id_form_holder_key_number"),
        ),
        sa.UniqueConstraint("status_list", "status_index", name=op.f("uq_document_copies_status_list_status_index")),
    )
    with op.batch_alter_table("document_copies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_document_copies_holder_id"), ["holder_id"], unique=False)


def downgrade() -> None:
    op.drop_table("document_copies")
