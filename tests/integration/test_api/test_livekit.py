"""Joining a LiveKit room over HTTP, and what LiveKit tells: against LiveKit's own server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from livekit import rtc
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from temporalio.testing import WorkflowEnvironment
from websockets.asyncio.client import connect
from websockets.typing import Origin

from contracts.rooms import Entry, RoomPass, Ticket
from db.events import Listener
from db.store import Store
from tests.integration.test_api.service import CONSENT, Service, running_service, token_in
from tests.integration.test_api.test_events import socket_of
from tests.integration.test_livekit_rooms import claims, signed
from tests.livekit import Guest, Running, livekit_server
from tests.waiting import eventually

EVENTS = ("room_started", "participant_joined", "participant_left")
WEBHOOK = "/api/v1/livekit/webhook"


@pytest.fixture
async def service(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, livekit: Running
) -> AsyncIterator[Service]:
    async with running_service(store, listener, temporal.client, rooms=livekit.rooms) as running:
        yield running


async def test_a_join_brings_what_opens_the_interviews_room(service: Service) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    joined = await desk.post("join", purpose="interview")
    assert joined.status_code == 200, joined.text
    told = joined.json()
    assert told.keys() == {"epoch", "admission", "url", "token"}
    guest = await Guest().join(RoomPass(told["url"], told["token"]))
    assert guest.room.name == made["id"]
    again = (await desk.post("join", purpose="interview")).json()
    assert again["epoch"] == told["epoch"] == 1
    assert (told["admission"], again["admission"]) == (1, 2)
    assert (await desk.status())["admission"] == 2
    assert service.bot.heard == 1
    newer = await Guest().join(RoomPass(again["url"], again["token"]))
    await eventually(lambda: guest.reason == rtc.DisconnectReason.DUPLICATE_IDENTITY)
    await (await service.server_of(made)).post("cancel")
    await eventually(lambda: newer.reason == rtc.DisconnectReason.ROOM_DELETED, within_s=30)


def ticket_in(token: str) -> Ticket:
    attributes = claims(token)["attributes"]
    assert isinstance(attributes, dict)
    shown = Entry.of(attributes)
    assert shown is not None
    return shown.ticket


async def test_livekits_token_endpoint_is_a_join(service: Service) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    asked = await desk.post("livekit-token", room_name=made["id"])
    assert asked.status_code == 201, asked.text
    told = asked.json()
    assert told.keys() == {"server_url", "participant_token"}
    guest = await Guest().join(RoomPass(told["server_url"], told["participant_token"]))
    assert guest.room.name == made["id"]
    assert service.bot.heard == 1


KEPT = text("SELECT body FROM idempotency_keys WHERE key LIKE '%again'")


@pytest.mark.parametrize("verb", ["join", "livekit-token", "check"])
async def test_a_repeated_join_gets_another_token_and_none_is_stored(
    service: Service, verb: str
) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    body = {"room_name": made["id"]} if verb == "livekit-token" else {"type": "offer"}
    first = await desk.post(verb, key="again", **body)
    assert first.status_code in (200, 201), first.text
    kept = await service.store.database.row(KEPT)
    assert kept is not None
    assert b"eyJ" not in bytes(kept["body"])
    second = await desk.post(verb, key="again", **body)
    assert second.status_code == first.status_code
    assert second.headers["idempotent-replayed"] == "true"
    one, other = first.json(), second.json()
    name = "participant_token" if verb == "livekit-token" else "token"
    tickets = [ticket_in(each.pop(name)) for each in (one, other)]
    assert one == other
    assert tickets[0].admission == tickets[1].admission == 1
    assert tickets[0] < tickets[1]
    assert service.bot.heard == 1


@pytest.mark.parametrize("by", ["voice", "typing"])
async def test_a_repeated_join_brings_no_token_once_a_newer_one_holds_the_interview(
    service: Service, by: str
) -> None:
    desk = await service.candidate_of(await service.start())
    await desk.post("consent", **CONSENT)
    assert (await desk.post("join", key="again", purpose="interview")).status_code == 200
    newer = {"purpose": "typing", "tab": str(uuid4())} if by == "typing" else {"type": "offer"}
    assert (await desk.post("join", **newer)).json()["admission"] == 2
    refused = await desk.post("join", key="again", purpose="interview")
    assert refused.status_code == 409, refused.text
    assert "eyJ" not in refused.text


async def test_a_repeated_join_brings_no_token_once_the_interview_is_over(
    service: Service,
) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    assert (await desk.post("join", key="again", purpose="interview")).status_code == 200
    await (await service.server_of(made)).post("cancel")
    await desk.reaches("cancelled")
    assert (await desk.post("join", key="again", purpose="interview")).status_code == 409


@pytest.mark.parametrize(
    "field", ["participant_identity", "participant_attributes", "room_config", "room_name"]
)
async def test_who_is_in_which_room_is_not_the_clients_to_say(service: Service, field: str) -> None:
    desk = await service.candidate_of(await service.start())
    await desk.post("consent", **CONSENT)
    refused = await desk.post("livekit-token", **{field: "another"})
    assert refused.status_code == 422, refused.text
    assert field in refused.text
    assert service.bot.heard == 0


async def test_the_check_is_held_in_the_room_too(service: Service) -> None:
    desk = await service.candidate_of(await service.start())
    await desk.post("consent", **CONSENT)
    checked = await desk.post("check", type="offer")
    assert checked.status_code == 200, checked.text
    assert {"url", "token"} <= checked.json().keys()


async def test_an_offer_is_refused_where_there_is_a_room(service: Service) -> None:
    desk = await service.candidate_of(await service.start())
    await desk.post("consent", **CONSENT)
    refused = await desk.post("join", sdp="v=0", type="offer")
    assert (refused.status_code, refused.json()["field"]) == (422, "sdp")


async def test_without_consent_there_is_no_token(service: Service) -> None:
    desk = await service.candidate_of(await service.start())
    assert (await desk.post("join", purpose="interview")).status_code == 409


# ------------------------------------------------------------ fresh tokens on the WebSocket


@asynccontextmanager
async def told_on_socket(
    service: Service, made: dict[str, Any], admission: int
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What the holder of that join is told, from now on."""
    place = f"{socket_of(service, made)}?admission={admission}"
    cookie = {"Cookie": f"codevoice_candidate={token_in(made['join_url'])}"}
    origin = Origin(service.url)
    async with connect(place, origin=origin, additional_headers=cookie) as socket:
        async with asyncio.timeout(20):
            yield (json.loads(message) async for message in socket)


async def token_of(told: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async for message in told:
        if message["kind"] == "token":
            return message
    raise AssertionError("the socket ended without a token")


async def test_the_holder_is_told_a_fresh_token_at_once_and_when_another_bot_comes(
    service: Service,
) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    joined = (await desk.post("join", purpose="interview")).json()
    await desk.shows(lambda told: told["live"])
    async with told_on_socket(service, made, joined["admission"]) as told:
        first = await token_of(told)
        assert first.keys() == {"kind", "epoch", "admission", "url", "token"}
        assert (first["epoch"], first["admission"]) == (1, 1)
        assert ticket_in(first["token"]) > ticket_in(joined["token"])
        guest = await Guest().join(RoomPass(first["url"], first["token"]))
        assert guest.room.name == made["id"]
        service.bot.leaves.set()
        second = await token_of(told)
        assert service.bot.heard == 2
        assert ticket_in(second["token"]) > ticket_in(first["token"])
    assert (await desk.status())["epoch"] == 1  # nobody joined
    await guest.leave()


async def test_who_holds_it_no_more_is_told_no_token(service: Service) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    older = (await desk.post("join", purpose="interview")).json()
    async with told_on_socket(service, made, older["admission"]) as told:
        await token_of(told)
        newer = (await desk.post("join", purpose="interview")).json()
        async with told_on_socket(service, made, newer["admission"]) as newer_told:
            await token_of(newer_told)
        service.bot.leaves.set()
        await eventually(lambda: service.bot.heard == 2)
        assert (await desk.post("pause")).status_code == 200
        ended = (await desk.shows(lambda shown: shown["status"] == "paused"))["state_version"]
        async for message in told:
            assert message["kind"] != "token"
            if message["state_version"] >= ended:
                break


async def test_a_pause_tells_no_token_and_typing_takes_the_place(service: Service) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    joined = (await desk.post("join", purpose="interview")).json()
    await desk.post("pause")
    await desk.reaches("paused")
    async with told_on_socket(service, made, joined["admission"]) as told:
        assert (await anext(told))["kind"] == "state"
        await desk.post("resume")
        assert (await token_of(told))["admission"] == 1
    await desk.post("join", purpose="typing", tab=str(uuid4()))
    async with told_on_socket(service, made, joined["admission"]) as told:
        assert (await anext(told))["kind"] == "state"
        await desk.post("skip")
        assert (await anext(told))["kind"] != "token"


def counted(registry: CollectorRegistry, event: str) -> float:
    return registry.get_sample_value("codevoice_livekit_events_total", {"event": event}) or 0.0


async def test_what_livekit_tells_counts_once(service: Service, livekit: Running) -> None:
    client = await service.client()
    registry = service.parts.meters.registry
    body = b'{"event": "participant_left", "id": "EV_twice", "room": {"name": "elsewhere"}}'
    for _ in range(2):
        reply = await client.post(
            WEBHOOK, content=body, headers={"Authorization": signed(livekit, body)}
        )
        assert reply.status_code == 204, reply.text
    assert counted(registry, "participant_left") == 1
    forged = await client.post(
        WEBHOOK, content=body, headers={"Authorization": signed(livekit, body, "x" * 43)}
    )
    assert forged.status_code == 401
    assert counted(registry, "participant_left") == 1


async def test_livekits_own_webhooks_are_believed(service: Service, livekit: Running) -> None:
    """A second LiveKit, with the secret of the first, is told where to call."""
    registry = service.parts.meters.registry
    secret = livekit.server.secret
    async with livekit_server(secret=secret, webhooks=(service.url + WEBHOOK,)) as telling:
        interview_id = uuid4()
        await telling.rooms.open(interview_id)
        guest = await Guest().join(telling.rooms.candidates_pass(interview_id, 1, 1))
        await guest.leave()
        await eventually(
            lambda: [counted(registry, event) for event in EVENTS] == [1, 1, 1], within_s=10
        )
