"""Events as they happen, over server-sent events and over a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.links import Link, LinkPurpose
from tests.integration.test_api.service import Desk, Service, answer_to, token_in

Event = dict[str, Any]


async def read(reply: httpx.Response) -> AsyncIterator[Event]:
    """The events of a stream, with `event` and `id` as the browser would see them."""
    found: Event = {}
    async for line in reply.aiter_lines():
        name, _, value = line.partition(": ")
        if line == "" and found:
            yield found
            found = {}
        elif name == "data":
            found["data"] = json.loads(value)
        elif name in ("event", "id"):
            found[name] = value


@asynccontextmanager
async def listening(desk: Desk, **headers: str) -> AsyncIterator[AsyncIterator[Event]]:
    async with desk.client.stream("GET", f"{desk.place}/events", headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        async with asyncio.timeout(20):
            yield read(reply)


async def until(stream: AsyncIterator[Event], kind: str) -> Event:
    async for event in stream:
        if event["event"] == kind:
            return event
    raise AssertionError(f"the stream ended without a {kind}")


async def test_the_first_event_says_how_it_stands_and_each_change_follows(
    service: Service,
) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    async with listening(candidate) as stream:
        first = await anext(stream)
        assert first["event"] == "state"
        await candidate.type_in()
        newer = await until(stream, "state")
        assert newer["data"]["state_version"] > first["data"]["state_version"]
        question = await candidate.question(1)
        await candidate.post("answers", **answer_to(question, "bucket, collision"))
        said = await until(stream, "turn")
        while said["data"]["turn"]["speaker"] != "candidate":
            said = await until(stream, "turn")
        assert said["data"]["turn"]["text"] == "bucket, collision"
        assert said["data"]["turn"]["kind"] == "typed"


async def test_a_reader_that_was_away_misses_nothing_and_gets_nothing_twice(
    service: Service,
) -> None:
    candidate = await service.candidate_of(await service.start())
    async with listening(candidate) as stream:
        seen = int((await anext(stream))["id"])
    await candidate.type_in()
    question = await candidate.question(1)
    await candidate.post("answers", **answer_to(question, "bucket, collision"))
    await candidate.question(2)
    async with listening(candidate, **{"Last-Event-ID": str(seen)}) as stream:
        ids, kinds = [], []
        async for event in stream:
            ids.append(int(event["id"]))
            kinds.append(event["event"])
            if "turn" in kinds and kinds[-1] == "state":
                break
    assert ids == sorted(set(ids))
    assert ids[0] > seen
    async with listening(candidate, **{"Last-Event-ID": str(ids[0])}) as stream:
        assert int((await anext(stream))["id"]) == ids[1]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", str(2**63)])
async def test_a_last_event_that_is_none_is_refused(service: Service, last: str) -> None:
    candidate = await service.candidate_of(await service.start())
    assert (await candidate.get("/events", headers={"Last-Event-ID": last})).status_code == 422


async def test_a_stream_ends_within_five_seconds_of_its_link(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    async with listening(candidate) as stream:
        await anext(stream)
        await service.store.interviews.void_links(UUID(made["id"]))
        async with asyncio.timeout(5):
            assert {event["event"] async for event in stream} <= {"state"}
    assert (await candidate.get("/events")).status_code == 401


async def test_a_stream_ends_within_five_seconds_of_its_key(service: Service) -> None:
    made = await service.start()
    server = await service.server_of(made)
    owner = await service.store.access.owner_of(service.key)
    async with listening(server) as stream:
        await anext(stream)
        await service.store.access.revoke_key(owner.id)
        async with asyncio.timeout(5):
            assert {event["event"] async for event in stream} <= {"state"}
    assert (await server.get()).status_code == 401


async def test_a_stream_ends_when_its_link_expires(service: Service) -> None:
    made = await service.start()
    soon = datetime.now(UTC) + timedelta(seconds=2)
    token = service.parts.tokens.sign(Link(LinkPurpose.CANDIDATE, UUID(made["id"]), 1, soon))
    candidate = Desk(await service.candidate(token), f"/api/v1/interviews/{made['id']}")
    async with listening(candidate) as stream:
        await anext(stream)
        async with asyncio.timeout(7):
            assert {event["event"] async for event in stream} <= {"state"}


# ---------------------------------------------------------------------- the same on a WebSocket


def socket_of(service: Service, made: dict[str, Any], query: str = "") -> str:
    return f"{service.url.replace('http', 'ws')}/api/v1/interviews/{made['id']}/socket{query}"


async def test_a_socket_tells_the_same(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    cookie = {"Cookie": f"codevoice_candidate={token_in(made['join_url'])}"}
    place = socket_of(service, made)
    async with connect(place, origin=service.url, additional_headers=cookie) as socket:  # type: ignore[arg-type]  # a NewType of str
        first = json.loads(await socket.recv())
        assert first["kind"] == "state"
        await candidate.type_in()
        newer = json.loads(await socket.recv())
        assert newer["state_version"] > first["state_version"]
        await socket.send("what is sent is not read")
        assert (await candidate.post("pause")).status_code == 200
        assert json.loads(await socket.recv())["id"] > newer["id"]
    key = {"Authorization": f"Bearer {service.key}"}
    resumed = socket_of(service, made, f"?last_event_id={first['id']}")
    async with connect(resumed, additional_headers=key) as socket:
        assert json.loads(await socket.recv())["id"] == newer["id"]


async def test_a_socket_ends_with_its_link(service: Service) -> None:
    made = await service.start()
    cookie = {"Cookie": f"codevoice_candidate={token_in(made['join_url'])}"}
    place = socket_of(service, made)
    async with connect(place, origin=service.url, additional_headers=cookie) as socket:  # type: ignore[arg-type]  # as above
        await socket.recv()
        await service.store.interviews.void_links(UUID(made["id"]))
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(5):
                while True:
                    await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize(
    ("origin", "cookie", "key", "status"),
    [
        ("https://evil.example", True, "", 403),
        ("", True, "", 403),
        ("", False, "", 401),
        ("", False, "cv_unknown", 401),
        ("", False, "cv_others_0123456789", 404),
    ],
)
async def test_a_socket_is_refused_like_any_other_call(
    service: Service, origin: str, cookie: bool, key: str, status: int
) -> None:
    made = await service.start()
    headers = {"Cookie": f"codevoice_candidate={token_in(made['join_url'])}"} if cookie else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    place = socket_of(service, made)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(place, origin=origin or None, additional_headers=headers):  # type: ignore[arg-type]  # as above
            pass
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["content-type"] == "application/problem+json"
