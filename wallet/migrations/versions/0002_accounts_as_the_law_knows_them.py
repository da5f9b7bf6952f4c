"""Accounts as the law knows them"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("fact", sa.String(length=48), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("sealed_statement", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index("ix_corrections_holder_created", ["holder_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_corrections_queue", ["owner", "state", "due_at", "id"], unique=False)

    op.create_table(
        "delivery_attempts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column("outgoing_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempts")),
    )
    with op.batch_alter_table("delivery_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_attempts_endpoint_id"), ["endpoint_id"], unique=False)

    op.create_table(
        "events",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_at"), ["at"], unique=False)

    op.create_table(
        "guess_counts",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name=op.f("pk_guess_counts")),
    )
    with op.batch_alter_table("guess_counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_guess_counts_window_ends_at"), ["window_ends_at"], unique=False)

    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=48), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index("ix_notices_account_created", ["account_id", "created_at", "id"], unique=False)

    op.create_table(
        "outgoing",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=True),
        sa.Column("sealed_payload", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("target", "event_id", name=op.f("uq_outgoing_target_event_id")),
    )
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outgoing_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outgoing_target"), ["target"], unique=False)
        batch_op.create_index("ix_outgoing_waiting", ["state", "next_try_at"], unique=False)

    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("disabled_reason", sa.String(length=64), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_table(
        "correction_evidence",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("correction_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=48), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["corrections.id"], name=op.f("fk_correction_evidence_correction_id_corrections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_evidence")),
    )
    with op.batch_alter_table("correction_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_evidence_correction_id"), ["correction_id"], unique=False)

    op.create_table(
        "applications",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=True),
        sa.Column("applicant_account_id", sa.String(length=64), nullable=True),
        sa.Column("sealed_form", sa.LargeBinary(), nullable=True),
        sa.Column("matching", sa.JSON(), nullable=False),
        sa.Column("agency", sa.String(length=80), nullable=False),
        sa.Column("province", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=True),
        sa.Column("written_reason", sa.String(length=1000), nullable=True),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_applications_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_applications_account_id"), ["account_id"], unique=False)
        batch_op.create_index("ix_applications_queue", ["state", "due_at", "id"], unique=False)

    op.create_table(
        "ceremonies",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=True),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.JSON(), nullable=False),
        sa.Column("biometric_key", sa.JSON(), nullable=True),
        sa.Column("device_name", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("factors", sa.JSON(), nullable=False),
        sa.Column("rests_on", sa.JSON(), nullable=False),
        sa.Column("sealed_data", sa.LargeBinary(), nullable=True),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("end_reason", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_ceremonies_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ceremonies")),
    )
    with op.batch_alter_table("ceremonies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ceremonies_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ceremonies_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ceremonies_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "contacts",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("sealed_phone", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_email", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_contacts_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_contacts")),
    )
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contacts_phone_index"), ["phone_index"], unique=False)

    op.create_table(
        "guardianships",
        sa.Column("ward_account_id", sa.String(length=64), nullable=False),
        sa.Column("guardian_account_id", sa.String(length=64), nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["guardian_account_id"], ["accounts.id"], name=op.f("fk_guardianships_guardian_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["ward_account_id"], ["accounts.id"], name=op.f("fk_guardianships_ward_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("ward_account_id", "guardian_account_id", name=op.f("pk_guardianships")),
    )
    op.create_table(
        "account_locks",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("ground", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("legal_ref", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_account_locks_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "ground", name=op.f("pk_account_locks")),
    )
    # Accounts that were locked before there was a row for each ground: since when is not known any more.
    op.execute(
        "INSERT INTO account_locks (account_id, ground, by, at, legal_ref) "
        "SELECT id, lock_ground, 'system', created_at, '' FROM accounts "
        "WHERE state = 'locked' AND lock_ground IS NOT NULL"
    )
    op.create_table(
        "lock_orders",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ground", sa.String(length=32), nullable=False),
        sa.Column("authority", sa.String(length=200), nullable=False),
        sa.Column("legal_ref", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_by", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forward_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forwarded_by", sa.String(length=64), nullable=True),
        sa.Column("forwarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_reason", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_lock_orders_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lock_orders")),
    )
    with op.batch_alter_table("lock_orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lock_orders_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lock_orders_state"), ["state"], unique=False)

    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("enterprise_code", sa.String(length=20), nullable=False),
        sa.Column("tax_code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("head_office", sa.String(length=300), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("representative_account_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["representative_account_id"],
            ["accounts.id"],
            name=op.f("fk_organisations_representative_account_id_accounts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("enterprise_code", name=op.f("uq_organisations_enterprise_code")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_organisations_representative_account_id"), ["representative_account_id"], unique=False
        )

    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_passkeys_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passkeys_account_id"), ["account_id"], unique=False)

    op.create_table(
        "security_answers",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("question", sa.String(length=32), nullable=False),
        sa.Column("answer_hash", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_security_answers_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "question", name=op.f("pk_security_answers")),
    )
    op.create_table(
        "staff_enrolments",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_staff_enrolments_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_staff_enrolments")),
        sa.UniqueConstraint("digest", name=op.f("uq_staff_enrolments_digest")),
    )
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("ceremony_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ceremony_id"], ["ceremonies.id"], name=op.f("fk_one_time_codes_ceremony_id_ceremonies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
    )
    with op.batch_alter_table("one_time_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_one_time_codes_ceremony_id"), ["ceremony_id"], unique=False)
        batch_op.create_index(
            "uq_one_time_codes_live",
            ["ceremony_id"],
            unique=True,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )

    with op.batch_alter_table("staff_grants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("in_force", sa.Boolean(), server_default=sa.true(), nullable=False))

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=16), server_default="citizen", nullable=False))
        batch_op.add_column(sa.Column("times_locked", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("activation_key", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("valid_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("cooling_off_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("language", sa.String(length=2), server_default="vi", nullable=False))
        batch_op.add_column(sa.Column("notice_settings", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
        batch_op.add_column(sa.Column("settings_version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("expiry_told_for", sa.Date(), nullable=True))
        batch_op.alter_column("password_hash", existing_type=sa.VARCHAR(length=255), nullable=True)
        batch_op.alter_column("passcode_hash", existing_type=sa.VARCHAR(length=255), nullable=True)
        batch_op.create_index(batch_op.f("ix_accounts_checked_at"), ["checked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_accounts_valid_until"), ["valid_until"], unique=False)

    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("biometric_key", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("bound_by", sa.String(length=32), server_default="", nullable=False))
        batch_op.add_column(sa.Column("place", sa.String(length=80), server_default="", nullable=False))
        batch_op.add_column(sa.Column("unbound_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("unbound_reason", sa.String(length=32), nullable=True))

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("passkey_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("client_key", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("client_name", sa.String(length=80), server_default="", nullable=False))
        batch_op.add_column(sa.Column("place", sa.String(length=80), server_default="", nullable=False))
        batch_op.alter_column("device_id", existing_type=sa.VARCHAR(length=64), nullable=True)
        batch_op.create_index(batch_op.f("ix_sessions_passkey_id"), ["passkey_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_sessions_passkey_id_passkeys"), "passkeys", ["passkey_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_sessions_passkey_id_passkeys"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_sessions_passkey_id"))
        batch_op.alter_column("device_id", existing_type=sa.VARCHAR(length=64), nullable=False)
        batch_op.drop_column("place")
        batch_op.drop_column("client_name")
        batch_op.drop_column("client_key")
        batch_op.drop_column("passkey_id")

    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.drop_column("unbound_reason")
        batch_op.drop_column("unbound_at")
        batch_op.drop_column("place")
        batch_op.drop_column("bound_by")
        batch_op.drop_column("biometric_key")

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_accounts_valid_until"))
        batch_op.drop_index(batch_op.f("ix_accounts_checked_at"))
        batch_op.alter_column("passcode_hash", existing_type=sa.VARCHAR(length=255), nullable=False)
        batch_op.alter_column("password_hash", existing_type=sa.VARCHAR(length=255), nullable=False)
        batch_op.drop_column("expiry_told_for")
        batch_op.drop_column("checked_at")
        batch_op.drop_column("closed_at")
        batch_op.drop_column("activated_at")
        batch_op.drop_column("approved_at")
        batch_op.drop_column("settings_version")
        batch_op.drop_column("notice_settings")
        batch_op.drop_column("language")
        batch_op.drop_column("cooling_off_until")
        batch_op.drop_column("valid_until")
        batch_op.drop_column("activation_key")
        batch_op.drop_column("times_locked")
        batch_op.drop_column("kind")

    with op.batch_alter_table("staff_grants", schema=None) as batch_op:
        batch_op.drop_column("in_force")

    with op.batch_alter_table("one_time_codes", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_one_time_codes_live", sqlite_where=sa.text("state = 'live'"), postgresql_where=sa.text("state = 'live'")
        )
        batch_op.drop_index(batch_op.f("ix_one_time_codes_ceremony_id"))

    op.drop_table("one_time_codes")
    op.drop_table("staff_enrolments")
    op.drop_table("security_answers")
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_passkeys_account_id"))

    op.drop_table("passkeys")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisations_representative_account_id"))

    op.drop_table("organisations")
    with op.batch_alter_table("lock_orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lock_orders_state"))
        batch_op.drop_index(batch_op.f("ix_lock_orders_account_id"))

    op.drop_table("lock_orders")
    op.drop_table("account_locks")
    op.drop_table("guardianships")
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contacts_phone_index"))

    op.drop_table("contacts")
    with op.batch_alter_table("ceremonies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ceremonies_expires_at"))
        batch_op.drop_index(batch_op.f("ix_ceremonies_device_id"))
        batch_op.drop_index(batch_op.f("ix_ceremonies_account_id"))

    op.drop_table("ceremonies")
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.drop_index("ix_applications_queue")
        batch_op.drop_index(batch_op.f("ix_applications_account_id"))

    op.drop_table("applications")
    with op.batch_alter_table("correction_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_correction_evidence_correction_id"))

    op.drop_table("correction_evidence")
    op.drop_table("webhook_endpoints")
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.drop_index("ix_outgoing_waiting")
        batch_op.drop_index(batch_op.f("ix_outgoing_target"))
        batch_op.drop_index(batch_op.f("ix_outgoing_event_id"))

    op.drop_table("outgoing")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("ix_notices_account_created")

    op.drop_table("notices")
    with op.batch_alter_table("guess_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_guess_counts_window_ends_at"))

    op.drop_table("guess_counts")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_at"))

    op.drop_table("events")
    with op.batch_alter_table("delivery_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_attempts_endpoint_id"))

    op.drop_table("delivery_attempts")
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.drop_index("ix_corrections_queue")
        batch_op.drop_index("ix_corrections_holder_created")

    op.drop_table("corrections")
