"""The whole interview as staff hear it and how it was conducted, from a bot's files to the page."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import soundfile
from temporalio import activity
from temporalio.testing import WorkflowEnvironment

from contracts.conduct import Conduct
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.interview import BotReady, Fence
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from db.events import Listener
from db.ids import new_id
from db.store import Store
from tests.builders import a_turn
from tests.integration.test_api.service import (
    CONSENT,
    Desk,
    Service,
    SilentBot,
    running_service,
    token_in,
)
from tests.integration.test_api.test_conduct import OFFER
from tests.integration.test_api.test_edges import problem
from tests.waiting import eventually
from voice.joined import Whole
from voice.recorder import RATE_HZ, wav_header
from voice.scorer import Scorer
from workflows.interview_client import InterviewClient


class RecordingBot(SilentBot):
    """Leaves a recording of three seconds, the interviewer heard in the second one, and its turn.
    It goes when the interview is over."""

    def __init__(self, store: Store, interviews: InterviewClient, folder: Path) -> None:
        super().__init__(store, interviews)
        self._folder = folder

    @activity.defn(name="hold_conversation")
    async def hold_conversation(self, held: HoldConversation) -> ConversationResult:
        fence, recording, began = Fence(epoch=held.epoch), new_id(), datetime.now(UTC)
        assert held.offer_id is not None
        await self._store.interviews.take_fence(held.interview_id, fence)
        await self._store.offers.put_answer(held.offer_id, "v=0\r\n")
        await self._interviews.bot_ready(
            held.interview_id, BotReady(fence=fence, offer_id=held.offer_id)
        )
        path = self._folder / str(held.interview_id) / f"{recording}.wav"
        await self._store.recordings.begin(recording, held.interview_id, str(path), began, fence)
        write_three_seconds(path)
        await self._store.recordings.finish(recording, complete=True, duration_ms=3000)
        interview = await self._store.interviews.get(held.interview_id)
        asked = a_turn(
            interview,
            "How does a hash map find a value?",
            speaker=Speaker.INTERVIEWER,
            purpose=TurnPurpose.QUESTION,
            revision=None,
            kind=TurnKind.SPOKEN,
            started_at=began + timedelta(seconds=1),
            ended_at=began + timedelta(seconds=2),
            recording_id=recording,
            recording_offset_ms=1000,
        )
        await self._store.turns.add(asked, fence)

        async def over() -> bool:
            activity.heartbeat()
            return (
                await self._store.interviews.snapshot(held.interview_id)
            ).ends_reason is not None

        await eventually(over, within_s=60)
        return ConversationResult(end=ConversationEnd.FINISHED)


def write_three_seconds(path: Path) -> None:
    sides = np.zeros((3 * RATE_HZ, 2), "<i2")
    sides[RATE_HZ : 2 * RATE_HZ, 1] = 5000
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_header(sides.nbytes) + sides.tobytes())


class Unlucky(Scorer):
    """The first try dies between the file and its figures."""

    def __init__(self, recordings_url: str) -> None:
        super().__init__(recordings_url)
        self.tries = 0

    async def score(self, whole: Whole, turns: Sequence[Turn]) -> Conduct:
        self.tries += 1
        if self.tries == 1:
            raise OSError("the disk is gone")
        return await super().score(whole, turns)


@asynccontextmanager
async def recording_service(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, folder: Path, scorer: Scorer
) -> AsyncIterator[Service]:
    def bot(store: Store, interviews: InterviewClient) -> SilentBot:
        return RecordingBot(store, interviews, folder)

    with closing(scorer):
        async with running_service(
            store, listener, temporal.client, make_bot=bot, scorer=scorer
        ) as service:
            yield service


async def spoken_to_the_end(service: Service, **how: Any) -> tuple[dict[str, Any], Desk]:
    made = await service.start(question_count=1, **how)
    candidate = await service.candidate_of(made)
    for verb, body in (("consent", CONSENT), ("join", {"sdp": OFFER})):
        reply = await candidate.post(verb, **body)
        assert reply.status_code == 200, reply.text
    staff = await service.staff(token_in(made["report_url"]))
    problem(await staff.get(f"{candidate.place}/recording"), 404)
    problem(await staff.get(f"{candidate.place}/conduct"), 404)
    await candidate.post("finish")
    await candidate.reaches("completed")
    return made, candidate


async def measured(desk: Desk) -> dict[str, Any]:
    async def told() -> dict[str, Any] | None:
        reply = await desk.get("/conduct")
        body: dict[str, Any] = reply.json()
        return body if reply.status_code == 200 and body["conduct"] else None

    found = await eventually(told, within_s=30)
    assert found is not None
    return found


async def test_staff_hear_the_whole_interview_and_read_how_it_was_conducted(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with recording_service(
        store, listener, temporal, tmp_path, Scorer(str(tmp_path))
    ) as service:
        made, _ = await spoken_to_the_end(service)
        server = await service.server_of(made)
        told = await measured(server)
        assert (told["duration_ms"], told["complete"]) == (3000, True)
        assert [part["begins_ms"] for part in told["parts"]] == [0]
        assert told["conduct"]["wait"] == {"count": 0, "median_s": None, "p95_s": None}
        assert told["conduct"]["cut_offs"] == 0

        staff = Desk(await service.staff(token_in(made["report_url"])), server.place)
        heard = await staff.get("/recording")
        assert (heard.status_code, heard.headers["content-type"]) == (200, "audio/flac")
        assert heard.headers["cache-control"] == "no-store"
        sound, rate_hz = soundfile.read(io.BytesIO(heard.content), dtype="int16")
        assert (len(sound), rate_hz) == (3 * RATE_HZ, RATE_HZ)
        assert [sound[RATE_HZ // 2, 1], sound[3 * RATE_HZ // 2, 1]] == [0, 5000]
        assert not sound[:, 0].any()
        for wanted, part in (
            ("bytes=10-99", heard.content[10:100]),
            ("bytes=-7", heard.content[-7:]),
        ):
            reply = await staff.get("/recording", headers={"Range": wanted})
            assert (reply.status_code, reply.content) == (206, part)
        problem(await staff.get("/recording", headers={"Range": "bytes=99999999-"}), 416)

        page = (await staff.get("/report.html")).text
        assert f'src="{server.place}/recording"' in page
        assert "Pause before the interviewer spoke" in page
        assert (await staff.get("/report.json")).status_code == 200


async def test_who_may_not_read_the_report_hears_nothing_of_it(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with recording_service(
        store, listener, temporal, tmp_path, Scorer(str(tmp_path))
    ) as service:
        made, candidate = await spoken_to_the_end(service)
        granted, their_own = await spoken_to_the_end(service, report_to_candidate=True)
        await measured(await service.server_of(made))
        await measured(await service.server_of(granted))
        foreign = await service.client(headers={"Authorization": f"Bearer {service.other_key}"})
        other_staff = await service.staff(token_in(granted["report_url"]))
        nobody = await service.client()
        for what in ("/recording", "/conduct"):
            problem(await candidate.get(what), 403)
            problem(await foreign.get(candidate.place + what), 404)
            problem(await other_staff.get(candidate.place + what), 404)
            problem(await nobody.get(candidate.place + what), 401)
            assert (await their_own.get(what)).status_code == 200


async def test_a_try_that_dies_is_made_good_by_the_next(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, tmp_path: Path
) -> None:
    scorer = Unlucky(str(tmp_path))
    async with recording_service(store, listener, temporal, tmp_path, scorer) as service:
        made, _ = await spoken_to_the_end(service)
        server = await service.server_of(made)

        async def heard() -> bool:
            return (await server.get("/recording")).status_code == 200

        await eventually(heard, within_s=10)
        page = (await server.get("/report.html")).text
        assert "The conversation as a whole was not measured." in page
        assert f'src="{server.place}/recording"' in page
        await measured(server)
        assert scorer.tries == 2
        kept = await asyncio.to_thread(list, (tmp_path / made["id"]).iterdir())
        assert sorted(path.suffix for path in kept) == [".flac", ".wav"]
        rows = await store.recordings.of_interview(UUID(made["id"]))
        assert len(rows) == 1, "the whole is none of the conversations'"
