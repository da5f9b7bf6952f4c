"""Runs the migrations on the engine that `wallet.schema` hands over."""

from alembic import context

import wallet.audit
import wallet.documents.models
import wallet.idempotency
import wallet.identity.models
import wallet.launching.models
import wallet.requests.models
import wallet.single_use  # noqa: F401 - each registers its tables
from wallet.db import Base

with context.config.attributes["engine"].begin() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    context.run_migrations()
