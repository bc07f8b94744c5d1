"""What a database holds before the product runs on it: tables, questions, and a key to the API."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final, NamedTuple
from uuid import UUID

import connections
from contracts.errors import SettingError, Unavailable
from data_folder import kept
from db.migrate import migrate
from settings import Settings, load

#: In the data folder: the key that opens the API, for the command line.
KEY_FILE: Final = "api_key"


class Prepared(NamedTuple):
    """`api_key` opens the API for `organisation_id`; `questions` says what the bank holds."""

    organisation_id: UUID
    api_key: str
    questions: str


async def prepare(settings: Settings) -> Prepared:
    """Safe to repeat: what is there stays, and the key is the one that DATA_DIR keeps.

    Raises SettingError when the database or DATA_DIR cannot be used.
    """
    from questions.loader import starter_bank

    api_key = kept(settings.data_dir, KEY_FILE, f"cv_{secrets.token_urlsafe(32)}")
    store = connections.open_store(settings)
    try:
        await _migrate(connections.database_url(settings))
        await connections.reach(store)
        organisation = await store.access.default_organisation()
        await store.access.add_key(organisation.id, api_key, "made by codevoice")
        bank = await asyncio.to_thread(starter_bank)
        changed = await store.questions.load(bank)
        told = f"{len(bank)} in the starter bank, {changed} new or changed"
        return Prepared(organisation.id, api_key, told)
    finally:
        await store.close()


async def _migrate(url: str) -> None:
    try:
        await asyncio.to_thread(migrate, url)
    except Unavailable as failure:
        why = failure.detail[:1].lower() + failure.detail[1:]
        remedy = "Start PostgreSQL there, or correct host, name and password"
        raise SettingError("DATABASE_URL", why, remedy) from None


async def migrated() -> str:
    """Prepares the database of the settings. Returns what to tell the operator."""
    settings = load()
    made = await prepare(settings)
    return f"questions: {made.questions}\nthe key to the API: in {settings.data_dir / KEY_FILE}"
