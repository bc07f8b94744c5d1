"""The tables come from the migrations, and are the ones the store is written for."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from db.database import psycopg_url
from db.ids import new_id
from db.migrate import migrate
from db.tables import Table
from local.postgres import Postgres


async def test_two_migrations_at_once_from_nothing_both_succeed(postgres: Postgres) -> None:
    name = f"empty_{new_id().hex}"
    await postgres.make_database(name)

    await asyncio.gather(*(asyncio.to_thread(migrate, postgres.url(name)) for _ in range(2)))

    engine = create_engine(psycopg_url(postgres.url(name)))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    engine.dispose()


def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)


def test_the_migrated_tables_are_those_of_the_classes(database_url: str) -> None:
    engine = create_engine(psycopg_url(database_url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Table.metadata)
    engine.dispose()

    assert differences == []
