"""Verifiers and their desks"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verifiers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("enterprise_code", sa.String(length=20), nullable=True),
        sa.Column("template", sa.String(length=32), nullable=True),
        sa.Column("legal_ground", sa.String(length=300), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("registered_by", sa.String(length=64), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifiers")),
    )
    with op.batch_alter_table("verifiers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verifiers_registered_at"), ["registered_at"], unique=False)
    op.create_table(
        "verifier_desks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("verifier_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("gate_id", sa.String(length=16), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("former_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["verifier_id"], ["verifiers.id"], name=op.f("fk_verifier_desks_verifier_id_verifiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifier_desks")),
    )
    with op.batch_alter_table("verifier_desks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verifier_desks_verifier_id"), ["verifier_id"], unique=False)
        batch_op.create_index(
            "uq_verifier_desks_gate",
            ["verifier_id", "gate_id"],
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )
    op.create_table(
        "verifier_citizens",
        sa.Column("verifier_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("citizen", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("verifier_id", "purpose", "hour", "citizen", name=op.f("pk_verifier_citizens")),
    )
    with op.batch_alter_table("verifier_citizens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verifier_citizens_hour"), ["hour"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("verifier_citizens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verifier_citizens_hour"))
    op.drop_table("verifier_citizens")
    with op.batch_alter_table("verifier_desks", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_verifier_desks_gate",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )
        batch_op.drop_index(batch_op.f("ix_verifier_desks_verifier_id"))
    op.drop_table("verifier_desks")
    with op.batch_alter_table("verifiers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verifiers_registered_at"))
    op.drop_table("verifiers")
