"""Brings a database to the newest tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from contracts.errors import Unavailable
from db.database import psycopg_url

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = text("SELECT pg_advisory_lock(hashtext('codevoice migrations'))")


def migrate(url: str) -> None:
    """Blocks until the tables are the newest. Two at once: the second waits and finds them so.

    Raises Unavailable when the server cannot be reached.
    """
    engine = create_engine(
        psycopg_url(url), hide_parameters=True, connect_args={"connect_timeout": 5}
    )
    try:
        with engine.connect() as connection:
            connection.execute(_LOCK)  # held by the connection, so until it is closed
            connection.commit()
            upgrade(connection)
            connection.commit()
            connection.invalidate()
    except OperationalError:
        raise Unavailable("The database cannot be reached") from None
    finally:
        engine.dispose()


def upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
