"""Words of recorded speech: one request, by the SDK's batch call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from deepgram import AsyncDeepgramClient
from uuid_utils.compat import uuid7

from contracts.manner import English
from contracts.usage import Book, Purpose, Usage
from voice.audio import waveform
from voice.deepgram.account import ONCE, takes_terms, why
from voice.speech import BYTES_PER_S

_log = logging.getLogger("codevoice.voice")

#: A sentence takes 0.3 to 1 s. Who waits goes on without it sooner than this.
WITHIN_S: Final = 3.0


async def words(
    client: AsyncDeepgramClient,
    audio: bytes,
    terms: Sequence[str],
    book: Book,
    *,
    model: str,
    language: English,
) -> str | None:
    """Of 16 kHz mono PCM; None where they are not known. Raises nothing."""
    try:
        async with asyncio.timeout(WITHIN_S):
            reply: Any = await client.listen.v1.media.transcribe_file(
                request=waveform(audio),
                model=model,
                language=language.value,
                keyterm=list(terms) if terms and takes_terms(model) else None,
                request_options=ONCE,
            )
        text = str(reply.results.channels[0].alternatives[0].transcript or "")
    except Exception as failure:
        _log.warning("a recording is recognised here: %s", why(failure))
        return None
    purpose, audio_s = Purpose.SPEECH_TO_TEXT, len(audio) / BYTES_PER_S
    book(Usage(id=uuid7(), purpose=purpose, model=model, audio_s=audio_s))
    return text.strip()
