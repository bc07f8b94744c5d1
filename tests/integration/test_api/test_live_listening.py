"""Staff who listen while the interview goes on: who may, when, and that it is noted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from temporalio.testing import WorkflowEnvironment

from contracts.rooms import RoomPass
from db.events import Listener
from db.store import Store
from tests.integration.test_api.service import (
    CONSENT,
    Desk,
    Service,
    running_service,
    token_in,
)
from tests.integration.test_api.test_edges import problem
from tests.integration.test_api.test_livekit import token_of, told_on_socket
from tests.integration.test_livekit_rooms import claims
from tests.livekit import Guest, Running
from web import consent

LIVE = {"text_version": consent.current(live_listening=True).version}
CAMERA = {"text_version": consent.current(live_listening=True, camera=True).version}


@pytest.fixture
async def in_rooms(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, livekit: Running
) -> AsyncIterator[Service]:
    async with running_service(store, listener, temporal.client, rooms=livekit.rooms) as running:
        yield running


async def joined(
    service: Service, agreed: dict[str, str] = LIVE, **body: Any
) -> tuple[dict[str, Any], Desk]:
    """An interview with an interviewer on the line, and its candidate."""
    made = await service.start(**{"live_listening": True, **body})
    desk = await service.candidate_of(made)
    assert (await desk.post("consent", **agreed)).status_code == 200
    assert (await desk.post("join", purpose="interview")).status_code == 200
    await desk.shows(lambda told: told["live"])
    return made, desk


async def staff_of(service: Service, made: dict[str, Any]) -> Desk:
    client = await service.staff(token_in(made["report_url"]))
    return Desk(client, f"/api/v1/interviews/{made['id']}")


async def test_staff_are_let_in_unseen_and_it_is_noted(in_rooms: Service, livekit: Running) -> None:
    made, desk = await joined(in_rooms)
    assert (await desk.status())["live_listening"] is True
    staff, server = await staff_of(in_rooms, made), await in_rooms.server_of(made)
    first = await staff.post("listen")
    second = await server.post("listen", who="Grace, of the hiring team")
    assert (first.status_code, second.status_code) == (200, 200), (first.text, second.text)
    for reply in (first.json(), second.json()):
        guest = await Guest().join(RoomPass(reply["url"], reply["token"]))
        assert guest.room.name == made["id"]
        assert f"listener-{reply['listener_id']}" in await livekit.inside(UUID(made["id"]))
        await guest.leave()
    noted = (await server.get("/listeners")).json()["items"]
    assert [(each["role"], each["who"]) for each in noted] == [
        ("staff", None),
        ("server", "Grace, of the hiring team"),
    ]
    owner = await in_rooms.store.access.owner_of(in_rooms.key)
    assert [each["api_key_id"] for each in noted] == [None, str(owner.id)]
    assert [each["listener_id"] for each in noted] == [
        first.json()["listener_id"],
        second.json()["listener_id"],
    ]
    problem(await staff.get("/listeners"), 401)
    problem(await desk.get("/listeners"), 403)


async def test_nobody_listens_where_the_candidate_was_not_told(in_rooms: Service) -> None:
    for made, _ in (
        await joined(in_rooms, CONSENT),  # by a page of another's that showed the other text
        await joined(in_rooms, LIVE, live_listening=False),
    ):
        server = await in_rooms.server_of(made)
        problem(await server.post("listen"), 403)
        assert (await server.get("/listeners")).json() == {"items": []}


async def test_there_is_nothing_to_hear_before_and_after(in_rooms: Service) -> None:
    made = await in_rooms.start(live_listening=True)
    desk, server = await in_rooms.candidate_of(made), await in_rooms.server_of(made)
    problem(await server.post("listen"), 409)
    await desk.post("consent", **LIVE)
    problem(await server.post("listen"), 409)
    await desk.post("join", purpose="interview")
    await desk.shows(lambda told: told["live"])
    assert (await server.post("listen")).status_code == 200
    await server.post("cancel")
    await desk.shows(lambda told: told["status"] == "cancelled" and not told["live"])
    problem(await server.post("listen"), 409)
    assert len((await server.get("/listeners")).json()["items"]) == 1


async def test_candidates_and_strangers_do_not_listen(in_rooms: Service) -> None:
    made, desk = await joined(in_rooms, report_to_candidate=True)
    other, _ = await joined(in_rooms)
    stranger = await in_rooms.client(headers={"Authorization": f"Bearer {in_rooms.other_key}"})
    place = f"/api/v1/interviews/{made['id']}"
    problem(await desk.post("listen"), 401)
    problem(await stranger.post(f"{place}/listen"), 404)
    elsewhere = Desk((await staff_of(in_rooms, other)).client, place)
    problem(await elsewhere.post("listen"), 404)
    foreign = await in_rooms.client(
        headers={
            "Cookie": f"codevoice_staff={token_in(made['report_url'])}",
            "Origin": "https://evil.example",
        }
    )
    problem(await foreign.post(f"{place}/listen"), 403)
    assert (await (await in_rooms.server_of(made)).get("/listeners")).json() == {"items": []}


async def test_a_flood_is_stopped_before_it_is_kept(in_rooms: Service) -> None:
    made, _ = await joined(in_rooms)
    server = await in_rooms.server_of(made)
    statuses = [(await server.post("listen")).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    assert len((await server.get("/listeners")).json()["items"]) == 30


async def test_over_a_direct_line_it_says_what_is_needed(service: Service) -> None:
    server = await service.server()
    told = problem(await server.post("/api/v1/interviews", json={"live_listening": True}), 422)
    assert told["field"] == "live_listening"
    made = await service.start()
    refused = problem(await (await service.server_of(made)).post("listen"), 409)
    assert "LiveKit" in refused["detail"]


async def test_the_invitation_shows_the_text_that_says_so(in_rooms: Service) -> None:
    for chosen in (True, False):
        made = await in_rooms.start(live_listening=chosen)
        client = await in_rooms.candidate(token_in(made["join_url"]))
        page = (await client.get(f"/interview/{made['id']}")).text
        assert ("Who may listen live" in page) is chosen
        version = consent.current(live_listening=chosen).version
        assert f'data-consent="{version}"' in page


# ---------------------------------------------------------------- the camera


def sources(token: str) -> list[str]:
    """What may be published by it."""
    video = claims(token)["video"]
    assert isinstance(video, dict)
    found: list[str] = video["canPublishSources"]
    return found


@pytest.mark.parametrize(
    ("agreed", "chosen", "allowed"),
    [
        (CAMERA, True, ["microphone", "camera"]),
        (LIVE, True, ["microphone"]),  # by a page of another's that showed the other text
        (CAMERA, False, ["microphone"]),
    ],
)
async def test_a_camera_is_for_who_was_told_in_an_interview_that_has_one(
    in_rooms: Service, agreed: dict[str, str], chosen: bool, allowed: list[str]
) -> None:
    made, desk = await joined(in_rooms, agreed, camera=chosen)
    assert (await desk.status())["camera"] is chosen
    told = (await desk.post("join", purpose="interview")).json()
    assert sources(told["token"]) == allowed
    async with told_on_socket(in_rooms, made, told["admission"]) as fresh:
        assert sources((await token_of(fresh))["token"]) == allowed
    others = (await desk.post("livekit-token", room_name=made["id"])).json()
    assert sources(others["participant_token"]) == allowed
    server = await in_rooms.server_of(made)
    assert (await server.post("listen")).status_code == 200


async def test_the_sound_check_has_no_camera(in_rooms: Service) -> None:
    desk = await in_rooms.candidate_of(await in_rooms.start(live_listening=True, camera=True))
    await desk.post("consent", **CAMERA)
    assert sources((await desk.post("check", type="offer")).json()["token"]) == ["microphone"]


async def test_a_camera_without_live_listening_says_what_is_needed(in_rooms: Service) -> None:
    server = await in_rooms.server()
    told = problem(await server.post("/api/v1/interviews", json={"camera": True}), 422)
    assert (told["field"], "live_listening" in told["detail"]) == ("camera", True)


async def test_a_camera_over_a_direct_line_says_what_is_needed(service: Service) -> None:
    server = await service.server()
    body = {"camera": True, "live_listening": True}
    told = problem(await server.post("/api/v1/interviews", json=body), 422)
    assert (told["field"], "LiveKit" in told["detail"]) == ("live_listening", True)


async def test_the_pages_tell_of_the_camera_and_only_its_room_may_open_it(
    in_rooms: Service,
) -> None:
    for chosen in (True, False):
        made = await in_rooms.start(live_listening=True, camera=chosen)
        desk = await in_rooms.candidate_of(made)
        place = f"/interview/{made['id']}"
        invitation = await desk.client.get(place)
        assert ("Your camera, if you like" in invitation.text) is chosen
        await desk.post("consent", **(CAMERA if chosen else LIVE))
        await desk.shows(lambda told: told["consented"])
        check, room = [await desk.client.get(f"{place}/{page}") for page in ("check", "room")]
        assert ('id="camera"' in room.text) is chosen
        for page, allowed in ((invitation, False), (check, False), (room, chosen)):
            assert page.status_code == 200
            wanted = "camera=(self)" if allowed else "camera=()"
            assert wanted in page.headers["permissions-policy"]
            assert "microphone=(self)" in page.headers["permissions-policy"]
