"""The two calls that Pipecat's own clients make, as they make them."""

from __future__ import annotations

from uuid import uuid4

import httpx

from tests.integration.test_api.service import CONSENT, Service
from tests.integration.test_api.test_conduct import OFFER


async def sent(client: httpx.AsyncClient, place: str, sdp: str = OFFER) -> httpx.Response:
    body = {"sdp": sdp, "type": "offer", "pc_id": None, "restart_pc": False}
    return await client.post(f"{place}/api/offer", json=body)


async def test_a_session_is_the_interview_and_an_offer_to_it_a_join(service: Service) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    told = (await desk.post("start", body={"anything": 1}, enableDefaultIceServers=True)).json()
    assert told == {"sessionId": made["id"], "iceConfig": {"iceServers": []}}
    assert service.bot.heard == 0
    place = f"{desk.place}/sessions/{told['sessionId']}"
    answered = await sent(desk.client, place)
    assert answered.status_code == 200, answered.text
    assert answered.json().keys() == {"sdp", "type", "pc_id"}
    assert service.bot.heard == 1
    later = {"pc_id": answered.json()["pc_id"], "candidates": [{"candidate": "candidate:1"}]}
    assert (await desk.client.patch(f"{place}/api/offer", json=later)).status_code == 204


async def test_another_session_is_none_of_theirs(service: Service) -> None:
    made = await service.start()
    desk = await service.candidate_of(made)
    await desk.post("consent", **CONSENT)
    assert (await sent(desk.client, f"{desk.place}/sessions/{uuid4()}")).status_code == 404
    bad = await sent(desk.client, f"{desk.place}/sessions/{made['id']}", "v=0")
    assert (bad.status_code, bad.json()["field"]) == (422, "sdp")
    assert service.bot.heard == 0
