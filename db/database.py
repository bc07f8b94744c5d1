"""The way to PostgreSQL: connections, and its failures told in our words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from sqlalchemy import Executable
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from contracts.errors import CodeVoiceError, Conflict, NotFound, Unavailable

Parameters = Mapping[str, Any] | None


def make_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """`url` is any postgresql URL; the driver is psycopg's. Parameters never reach a message."""
    return create_async_engine(
        psycopg_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={"connect_timeout": 3, "options": "-c statement_timeout=15000"},
    )


def psycopg_url(url: str) -> str:
    """`postgres://` and `postgresql://` as people write them, with SQLAlchemy's driver named."""
    scheme, separator, rest = url.partition("://")
    plain = separator and scheme.split("+")[0] in {"postgres", "postgresql"}
    return f"postgresql+psycopg://{rest}" if plain else url


def libpq_url(url: str) -> str:
    """The same for psycopg itself, which knows no driver's name."""
    return psycopg_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


class Database:
    """One statement is one transaction (`row`, `rows`, `run`); `begin` joins several.

    Raises Unavailable when the server is gone, full or too slow: every statement of the store may
    be sent again then.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def rows(self, statement: Executable, values: Parameters = None) -> Sequence[RowMapping]:
        with _in_our_words():
            async with self._single.connect() as connection:
                return (await connection.execute(statement, values)).mappings().all()

    async def row(self, statement: Executable, values: Parameters = None) -> RowMapping | None:
        """The only row, or None without one."""
        found = await self.rows(statement, values)
        return found[0] if found else None

    async def run(self, statement: Executable, values: Parameters = None) -> int:
        """Returns how many rows it changed."""
        with _in_our_words():
            async with self._single.connect() as connection:
                return (await connection.execute(statement, values)).rowcount

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        with _in_our_words():
            async with self._engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        await self._engine.dispose()


@contextmanager
def _in_our_words() -> Iterator[None]:
    """The causes are cut off: a driver's message may quote a row."""
    try:
        yield
    except (PoolTimeout, OSError):
        raise Unavailable("The database cannot be reached", retry_after_s=1) from None
    except DBAPIError as failure:
        raise _told(failure) from None


def _told(failure: DBAPIError) -> CodeVoiceError:
    cause = failure.orig
    if isinstance(cause, psycopg.errors.ForeignKeyViolation):
        return NotFound("What this belongs to is not there")
    if failure.connection_invalidated or isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError
    ):
        return Unavailable("The database cannot be reached", retry_after_s=1)
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return Conflict("This id is taken")
    if isinstance(cause, psycopg.errors.UndefinedTable):
        return Unavailable("The database has no tables yet", retry_after_s=5)
    code = cause.sqlstate if isinstance(cause, psycopg.Error) else type(cause).__name__
    return CodeVoiceError(f"The database refused a statement ({code})")
