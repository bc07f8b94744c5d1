"""Conversations share the models: a further one costs little."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def test_a_further_conversation_takes_at_most_15_mb() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.voice.footprint",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    memory = json.loads(output)
    assert memory["further_mb"] < 15
    assert memory["first_mb"] < 420
