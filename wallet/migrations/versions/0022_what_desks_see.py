"""What holders let desks see: shares, consents, presentations, lists of passengers, reports of misuse"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "share_consents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_name", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("purpose_name", sa.JSON(), nullable=False),
        sa.Column("legal_ground", sa.String(length=300), nullable=False),
        sa.Column("utility", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("text_version", sa.String(length=16), nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_consents")),
    )
    with op.batch_alter_table("share_consents", schema=None) as batch_op:
        batch_op.create_index("ix_share_consents_holder_given", ["holder_id", "given_at", "id"], unique=False)
        batch_op.create_index(
            "ix_share_consents_organisation", ["organisation_id", "purpose", "holder_id"], unique=False
        )
    op.create_table(
        "desk_shares",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("utility", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_name", sa.JSON(), nullable=False),
        sa.Column("desk_id", sa.String(length=64), nullable=False),
        sa.Column("desk_name", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("purpose_name", sa.JSON(), nullable=False),
        sa.Column("legal_ground", sa.String(length=300), nullable=False),
        sa.Column("required", sa.JSON(), nullable=False),
        sa.Column("optional", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("answer_until", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("readable_until", TIME, nullable=True),
        sa.Column("consent_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_shares")),
    )
    with op.batch_alter_table("desk_shares", schema=None) as batch_op:
        batch_op.create_index("ix_desk_shares_desk", ["desk_id", "purpose", "holder_id"], unique=False)
        batch_op.create_index("ix_desk_shares_holder_asked", ["holder_id", "asked_at", "id"], unique=False)
    op.create_table(
        "presentations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("utility", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_name", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("purpose_name", sa.JSON(), nullable=False),
        sa.Column("consent_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("used_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentations")),
    )
    with op.batch_alter_table("presentations", schema=None) as batch_op:
        batch_op.create_index("ix_presentations_holder_created", ["holder_id", "created_at", "id"], unique=False)
    op.create_table(
        "passenger_batches",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("desk_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passenger_batches")),
    )
    with op.batch_alter_table("passenger_batches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passenger_batches_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_passenger_batches_state"), ["state"], unique=False)
    op.create_table(
        "passengers",
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("name_result", sa.String(length=16), nullable=True),
        sa.Column("birth_date_result", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["passenger_batches.id"], name=op.f("fk_passengers_batch_id_passenger_batches")
        ),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_passengers")),
    )
    op.create_table(
        "misuse_reports",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("access_id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_name", sa.JSON(), nullable=False),
        sa.Column("desk_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=False),
        sa.Column("accessed_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misuse_reports")),
        sa.UniqueConstraint("access_id", name=op.f("uq_misuse_reports_access_id")),
    )
    with op.batch_alter_table("misuse_reports", schema=None) as batch_op:
        batch_op.create_index("ix_misuse_reports_queue", ["state", "created_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("misuse_reports")
    op.drop_table("passengers")
    op.drop_table("passenger_batches")
    op.drop_table("presentations")
    op.drop_table("desk_shares")
    op.drop_table("share_consents")
