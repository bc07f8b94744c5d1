"""Run by Alembic on the connection that `db.migrate` hands it."""

from __future__ import annotations

from alembic import context

from db.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
