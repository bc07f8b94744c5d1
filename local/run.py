"""`codevoice up`: the whole product in the foreground, and what its operator is told."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console
from rich.markup import escape

import connections
from contracts.errors import Unavailable
from local.product import Product
from local.stack import Stack, up
from settings import Settings, load


async def run_product(
    talk: Console, out: Console, *, with_interview: bool = True, livekit: bool = False
) -> None:
    """Runs until SIGINT or SIGTERM. Addresses and key go to `out`, everything else to `talk`."""
    began = time.monotonic()
    settings = load()
    for warning in settings.warnings:
        talk.print(f"[yellow]note:[/] {escape(warning)}", highlight=False)
    asked_to_stop = _stop_signals()
    async with started(settings, talk, livekit=livekit) as stack:
        _say_parts(stack, talk)
        await _say_addresses(stack, out, with_interview=with_interview)
        talk.print(f"[dim]ready after {time.monotonic() - began:.1f} s; Ctrl-C stops it[/]")
        await asked_to_stop.wait()
        talk.print("[dim]stopping[/]")


@asynccontextmanager
async def started(
    settings: Settings, talk: Console, *, livekit: bool = False
) -> AsyncIterator[Stack]:
    """The running product; each part is named in `talk` as it comes up."""

    def progress(part: str, what: str) -> None:
        talk.print(f"  {escape(part):28}{escape(what)}", style="dim", highlight=False)

    talk.print("[bold]CodeVoice[/] is starting", highlight=False)
    async with up(settings, progress, livekit=livekit) as stack:
        yield stack


def _stop_signals() -> asyncio.Event:
    """Heard from before the first part starts: Ctrl-C in mid-start also stops in order."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    starting = asyncio.current_task()

    def stop() -> None:
        if asked.is_set() and starting is not None:
            starting.cancel()
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
    return asked


def _say_parts(stack: Stack, talk: Console) -> None:
    for purpose, part in connections.parts(stack.settings).items():
        talk.print(f"  {purpose}: {part}", highlight=False)
    where = "from its wheel" if stack.settings.is_default("database_url") else "as set"
    talk.print(
        f"  database: PostgreSQL, {where}; data in {stack.settings.data_dir}", soft_wrap=True
    )


async def _say_addresses(stack: Stack, out: Console, *, with_interview: bool) -> None:
    product = Product(stack.url, stack.api_key)
    lines = []
    if with_interview:
        made = await new_interview(product)
        lines.append(("interview to join", made["join_url"]))
        lines.append(("its report, for you", made["report_url"]))
    if stack.temporal_ui_url:
        lines.append(("Temporal UI", stack.temporal_ui_url))
    lines += [("API, its contract", f"{stack.url}/api/v1/openapi.json"), ("API key", stack.api_key)]
    for name, value in lines:
        out.print(f"{name:21}{value}", soft_wrap=True, highlight=False)


async def new_interview(
    product: Product, *, within_s: float = 20.0, **body: object
) -> dict[str, str]:
    """An interview ready to join. Tried again while a part is still coming up."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            made: dict[str, str] = await asyncio.to_thread(
                product.call, "POST", "/interviews", json=body
            )
            return made
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
