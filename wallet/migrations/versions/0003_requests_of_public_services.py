"""Requests of public services: what was answered, how it goes, what comes with it; documents by their kind.

Before it the only utility was residence, which asked nothing and answered at once.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OF_REQUESTS: tuple[tuple[str, Any, Any], ...] = (
    ("account_id", sa.String(length=64), ""),
    ("rules_version", sa.String(length=32), "2024-01"),
    ("capacity", sa.String(length=16), "self"),
    ("version", sa.Integer(), 1),
    ("agency", sa.String(length=80), "commune_police"),
    ("province", sa.String(length=16), ""),
    ("apologies", sa.Integer(), 0),
    ("fee", sa.JSON(), []),
    ("fields_held", sa.Integer(), 0),
    ("fields_asked", sa.Integer(), 0),
    ("sealed", sa.LargeBinary(), b""),
)
"""Column, type, and what a request of residence has in it."""


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("reference", name=op.f("uq_payments_reference")),
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payments_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_payments_request_id"), ["request_id"], unique=False)

    op.create_table(
        "utility_links",
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("utility", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("holder_id", "utility", name=op.f("pk_utility_links")),
    )
    op.create_table(
        "request_events",
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("party", sa.String(length=16), nullable=False),
        sa.Column("officer_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_note", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_events_request_id_requests")),
        sa.PrimaryKeyConstraint("request_id", "sequence", name=op.f("pk_request_events")),
    )
    op.create_table(
        "request_files",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_files_request_id_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_files")),
    )
    with op.batch_alter_table("request_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_files_request_id"), ["request_id"], unique=False)

    op.create_table(
        "request_steps",
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("agency", sa.String(length=80), nullable=False),
        sa.Column("province", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("sealed_found", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_steps_request_id_requests")),
        sa.PrimaryKeyConstraint("request_id", "code", name=op.f("pk_request_steps")),
    )
    with op.batch_alter_table("request_steps", schema=None) as batch_op:
        batch_op.create_index("ix_request_steps_queue", ["agency", "state", "due_at"], unique=False)

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("rules_version", sa.String(length=32), nullable=True))
        batch_op.alter_column("utility_version", new_column_name="kind_version", existing_type=sa.Integer())
    op.execute("UPDATE documents SET kind = utility, rules_version = '2024-01'")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column("rules_version", existing_type=sa.String(length=32), nullable=False)

    known = {name: kind for name, kind, _ in OF_REQUESTS}
    with op.batch_alter_table("requests", schema=None) as batch_op:
        for name, kind in known.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        for name in ("submitted_at", "due_at", "claimed_at"):
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        for name in ("claimed_by", "decided_by"):
            batch_op.add_column(sa.Column(name, sa.String(length=64), nullable=True))
    requests = sa.table("requests", *(sa.column(name, kind) for name, kind in known.items()))
    values = {name: sa.literal(value, kind) for name, kind, value in OF_REQUESTS}
    op.execute(requests.update().values(values))
    op.execute("UPDATE requests SET submitted_at = created_at")
    # An account always stands for the holder who asked; one that is gone leaves its request without anybody to tell.
    op.execute(
        "UPDATE requests SET account_id = COALESCE("
        "(SELECT accounts.id FROM accounts WHERE accounts.holder_id = requests.holder_id), '')"
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        for name, kind in known.items():
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_index("ix_requests_due", ["state", "due_at"], unique=False)
        batch_op.create_index("ix_requests_queue", ["agency", "state", "submitted_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_index("ix_requests_queue")
        batch_op.drop_index("ix_requests_due")
        batch_op.drop_column("sealed")
        batch_op.drop_column("fields_asked")
        batch_op.drop_column("fields_held")
        batch_op.drop_column("fee")
        batch_op.drop_column("decided_by")
        batch_op.drop_column("claimed_at")
        batch_op.drop_column("claimed_by")
        batch_op.drop_column("apologies")
        batch_op.drop_column("due_at")
        batch_op.drop_column("submitted_at")
        batch_op.drop_column("province")
        batch_op.drop_column("agency")
        batch_op.drop_column("version")
        batch_op.drop_column("capacity")
        batch_op.drop_column("rules_version")
        batch_op.drop_column("account_id")

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.alter_column("kind_version", new_column_name="utility_version", existing_type=sa.Integer())
        batch_op.drop_column("rules_version")
        batch_op.drop_column("kind")

    with op.batch_alter_table("request_steps", schema=None) as batch_op:
        batch_op.drop_index("ix_request_steps_queue")

    op.drop_table("request_steps")
    with op.batch_alter_table("request_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_files_request_id"))

    op.drop_table("request_files")
    op.drop_table("request_events")
    op.drop_table("utility_links")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payments_request_id"))
        batch_op.drop_index(batch_op.f("ix_payments_expires_at"))

    op.drop_table("payments")
