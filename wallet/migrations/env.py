"""Runs the migrations on the engine that `wallet.schema` hands over."""

from alembic import context

import wallet.audit
import wallet.ceremonies.models
import wallet.checks.models
import wallet.checks.online.models
import wallet.defining.models
import wallet.documents.models
import wallet.enrolment.models
import wallet.idempotency
import wallet.identity.models
import wallet.launching.models
import wallet.messages.models
import wallet.payments.models
import wallet.profile.models
import wallet.requests.models
import wallet.single_use  # noqa: F401 - each registers its tables
from wallet.db import Base, alone
from wallet.migrations.foreign_keys import held_back

with context.config.attributes["engine"].connect() as connection, held_back(connection), connection.begin():
    alone(connection, "migrations")  # of two that begin at once, the second finds nothing left to do
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    context.run_migrations()
