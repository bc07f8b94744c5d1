"""Questions between files and the database, for the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from connections import open_store
from contracts.errors import InvalidInput
from contracts.questions import Question
from db.store import Store
from questions import export as formats
from questions.loader import load
from settings import load as load_settings

_WRITERS: Final[dict[str, Callable[[Iterable[Question]], str]]] = {
    "yaml": formats.to_yaml,
    "json": formats.to_json,
    "csv": formats.to_csv,
}


@asynccontextmanager
async def _store() -> AsyncIterator[Store]:
    store = open_store(load_settings())
    try:
        yield store
    finally:
        await store.close()


async def import_files(files: Iterable[Path]) -> int:
    """How many questions are new or changed. Raises InvalidBank, and then nothing is imported."""
    bank = tuple(question for file in files for question in load(file))
    async with _store() as store:
        return await store.questions.load(bank)


async def export(kind: str) -> str:
    """The newest version of each question. Raises InvalidInput for an unknown format."""
    if kind not in _WRITERS:
        raise InvalidInput(f"--format is one of {', '.join(_WRITERS)}", field="format")
    async with _store() as store:
        return _WRITERS[kind](stored.question for stored in await store.questions.current())
