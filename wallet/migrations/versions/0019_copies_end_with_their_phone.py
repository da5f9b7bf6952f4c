"""Copies end with their phone, their signer's key and the code in them; documents are made anew"""

import base64
import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("document_copies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("device_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("code_kid", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_document_copies_device_id"), ["device_id"], unique=False)
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("renewal", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("about_index", sa.LargeBinary(length=32), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_documents_request_id"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_documents_request_id_renewal"), ["request_id", "renewal"])
        batch_op.create_index(batch_op.f("ix_documents_about_index"), ["about_index"], unique=False)
    copies = sa.table("document_copies", sa.column("holder_key"), sa.column("device_id"))
    devices = sa.table("devices", sa.column("id"), sa.column("public_key", sa.JSON()))
    connection = op.get_bind()
    # One after the other: nothing of a large table is held. Until now a copy was bound to its phone's own key.
    for device_id, public_key in connection.execute(sa.select(devices.c.id, devices.c.public_key)).all():
        bound = copies.c.holder_key == _thumbprint(public_key)
        connection.execute(copies.update().where(bound).values(device_id=device_id))


def downgrade() -> None:
    # Before this a request has one document: those that were made anew live on, and name none that there is.
    op.execute("UPDATE documents SET request_id = request_id || '.' || renewal WHERE renewal > 0")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_documents_about_index"))
        batch_op.drop_constraint(batch_op.f("uq_documents_request_id_renewal"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_documents_request_id"), ["request_id"])
        batch_op.drop_column("about_index")
        batch_op.drop_column("renewal")
    with op.batch_alter_table("document_copies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_copies_device_id"))
        batch_op.drop_column("revoked_at")
        batch_op.drop_column("code_kid")
        batch_op.drop_column("device_id")


def _thumbprint(key: dict[str, str]) -> str:
    """Return the thumbprint of a P-256 key (RFC 7638, section 3)."""
    members = {name: key[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
