"""`Idempotency-Key` with Stripe's rules.

The first try's reply is kept for a day and given again, with `Idempotent-Replayed: true`, whatever
it was, as long as the try began: a body that was refused before that keeps no reply. The same key
with another request is refused (422), and while the first try runs a second one is told to wait
(409). A failure of ours (5xx) and "too often" (429) are not kept: the same call may succeed next,
and after a failure of ours only the same, as a part of it may have been done.

What may not be kept, or would not last a day, is put into each reply as it is given (`Finish`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.auth import Ours, ServerOnly
from api.errors import MEDIA_TYPE, Failure, reference_of
from api.parts import Parts, parts_of
from contracts.errors import CodeVoiceError
from db.idempotency import RENEWED_EVERY_S, Idempotency
from db.rows import Claim, Reply

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Made by the caller; a repeat under the same key gets the first reply again.",
    ),
]


#: Makes the reply's JSON.
Work = Callable[[], Awaitable[bytes]]
#: Makes what is told of what is kept. It may refuse, as any call may.
Finish = Callable[[bytes], Awaitable[BaseModel]]


@dataclass(frozen=True)
class Key:
    """The key as it is stored: a candidate's keys are a space of their own per interview."""

    organisation_id: UUID
    name: str
    fingerprint: bytes


class Once:
    """Does the work of one request, or gives the reply of the try that did it before."""

    def __init__(self, parts: Parts, reference: str, key: Key | None) -> None:
        self.parts, self.reference, self.key = parts, reference, key

    @property
    def key_name(self) -> str | None:
        return None if self.key is None else self.key.name

    async def __call__(
        self, work: Work, *, status: int = 200, finish: Finish | None = None
    ) -> Response:
        if self.key is None:
            reply = Reply(status=status, body=await work())
            return _response(await _finished(reply, finish))
        claims = self.parts.store.idempotency
        claim = await claims.claim(self.key.organisation_id, self.key.name, self.key.fingerprint)
        if claim.reply is not None:
            self.parts.meters.replays.inc()
            return _response(await _finished(claim.reply, finish), replayed=True)
        return _response(await _finished(await self._claimed(claim, work, status), finish))

    async def _claimed(self, claim: Claim, work: Work, status: int) -> Reply:
        claims = self.parts.store.idempotency
        try:
            async with _renewed(claims, claim):
                reply = Reply(status=status, body=await work())
        except CodeVoiceError as error:
            if not _settled(error):
                await (claims.abandon(claim) if error.status == 429 else claims.release(claim))
                raise
            reply = _refusal(Failure.of(error), self.reference)
        except BaseException:
            await claims.release(claim)
            raise
        await claims.finish(claim, reply.status, reply.body, reply.headers)
        return reply


@asynccontextmanager
async def _renewed(claims: Idempotency, claim: Claim) -> AsyncIterator[None]:
    """Says while the work goes on that this process has not died with it."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY_S)
            with suppress(CodeVoiceError):  # the next one may reach the database
                await claims.renew(claim)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing


def _settled(error: CodeVoiceError) -> bool:
    return 400 <= error.status < 500 and error.status != 429


def _refusal(failure: Failure, reference: str) -> Reply:
    return Reply(
        status=failure.status,
        body=json.dumps(failure.body(reference)).encode(),
        headers={"content-type": MEDIA_TYPE, **failure.headers()},
    )


async def _finished(reply: Reply, finish: Finish | None) -> Reply:
    if finish is None or reply.status >= 400:
        return reply
    told = await finish(reply.body)
    return reply.model_copy(update={"body": told.model_dump_json(exclude_none=True).encode()})


def _response(reply: Reply, *, replayed: bool = False) -> Response:
    headers = {"content-type": "application/json", **reply.headers}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(reply.body, reply.status, headers)


async def _for_server(request: Request, server: ServerOnly, key: KeyHeader = None) -> Once:
    return await _once(request, server.organisation_id, key, "")


async def _for_interview(request: Request, seen: Ours, key: KeyHeader = None) -> Once:
    space = "" if seen.by_server else f"{seen.interview.id}:"
    return await _once(request, seen.interview.organisation_id, key, space)


async def _once(request: Request, organisation_id: UUID, key: str | None, space: str) -> Once:
    stored = None
    if key is not None:
        stored = Key(organisation_id, space + key, await _fingerprint(request))
    return Once(parts_of(request), reference_of(request), stored)


async def _fingerprint(request: Request) -> bytes:
    """Of what is asked, not of how it is spelt: spaces and the order of fields do not matter."""
    raw = await request.body()
    body: Any
    try:
        body = json.loads(raw) if raw else None
    except ValueError:  # refused later, by the route
        body = raw.hex()
    asked = json.dumps([request.method, request.url.path, body], sort_keys=True)
    return hashlib.sha256(asked.encode()).digest()


ServersOnce = Annotated[Once, Depends(_for_server)]
OnceHere = Annotated[Once, Depends(_for_interview)]
