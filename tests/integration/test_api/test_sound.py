"""A turn's sound, cut out of the conversation's recording."""

from __future__ import annotations

import io
import struct
import wave
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.turns import Speaker, TurnKind, TurnPurpose
from db.ids import new_id
from tests.builders import a_turn
from tests.integration.test_api.service import Desk, Service, token_in
from tests.integration.test_api.test_edges import problem

RATE = 16_000


def write_recording(path: Path, seconds: float, *, open_ended: bool = False) -> None:
    """Left counts 1, 2, 3, ... a hundredth of a second each; right the same below zero."""
    sound = array("h")
    for frame in range(int(seconds * RATE)):
        step = frame // (RATE // 100) + 1
        sound.extend((step, -step))
    size = 0xFFFF_FFFF if open_ended else 4 * len(sound) // 2
    layout = (16, 1, 2, RATE, RATE * 4, 4, 16)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 0xFFFF_FFFF, b"WAVE", b"fmt ", *layout, b"data", size
    )
    path.write_bytes(head + sound.tobytes())


async def spoken(
    service: Service,
    path: Path,
    speaker: Speaker,
    at_ms: int,
    lasts_ms: int,
    *,
    made: dict[str, Any] | None = None,
) -> Desk:
    """An interview, `made` or a new one, whose first turn is that part of the recording."""
    made = made or await service.start()
    row = await service.interview(made)
    recording, now = new_id(), datetime.now(UTC)
    await service.store.recordings.begin(recording, row.id, f"file://{path}", now)
    turn = a_turn(
        row,
        "something said",
        speaker=speaker,
        kind=TurnKind.SPOKEN,
        purpose=TurnPurpose.ANSWER,
        recording_id=recording,
        recording_offset_ms=at_ms,
        started_at=now,
        ended_at=now + timedelta(milliseconds=lasts_ms),
    )
    await service.store.turns.add(turn)
    return await service.candidate_of(made)


def samples(wav: bytes) -> list[int]:
    with wave.open(io.BytesIO(wav)) as clip:
        assert (clip.getnchannels(), clip.getframerate(), clip.getsampwidth()) == (1, RATE, 2)
        return list(array("h", clip.readframes(clip.getnframes())))


async def test_a_turn_is_heard_with_a_little_before_and_after(
    service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    write_recording(path, 5)
    candidate = await spoken(service, path, Speaker.CANDIDATE, 1000, 2000)
    reply = await candidate.get("/turns/1/audio")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "audio/wav")
    heard = samples(reply.content)
    assert (heard[0], heard[-1]) == (86, 315)
    transcript = (await candidate.get("/transcript")).json()
    assert transcript["turns"][0]["audio_url"] == f"{candidate.place}/turns/1/audio"


async def test_the_interviewer_is_on_the_other_channel(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "b.wav"
    write_recording(path, 5, open_ended=True)
    candidate = await spoken(service, path, Speaker.INTERVIEWER, 0, 500)
    assert set(samples((await candidate.get("/turns/1/audio")).content)) == set(range(-65, 0))


async def test_a_recording_that_was_cut_off_ends_early(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "c.wav"
    write_recording(path, 1)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 3)
    candidate = await spoken(service, path, Speaker.CANDIDATE, 500, 60_000)
    heard = samples((await candidate.get("/turns/1/audio")).content)
    assert 0.6 < len(heard) / RATE < 0.66


async def test_any_part_can_be_asked_for(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "d.wav"
    write_recording(path, 5)
    candidate = await spoken(service, path, Speaker.CANDIDATE, 1000, 2000)

    async def part(wanted: str) -> bytes:
        reply = await candidate.get("/turns/1/audio", headers={"Range": wanted})
        assert reply.status_code == 206
        assert reply.headers["content-range"].endswith(f"/{len(whole)}")
        assert int(reply.headers["content-length"]) == len(reply.content)
        return reply.content

    whole = (await candidate.get("/turns/1/audio")).content
    assert await part("bytes=0-0") == whole[:1]
    assert await part("bytes=10-99") == whole[10:100]
    assert await part("bytes=45-1001") == whole[45:1002]
    assert await part("bytes=70001-") == whole[70001:]
    assert await part("bytes=-7") == whole[-7:]
    assert await part("bytes=5-999999999") == whole[5:]
    for beyond in ("bytes=99999999-", "bytes=9-5"):
        refused = await candidate.get("/turns/1/audio", headers={"Range": beyond})
        problem(refused, 416)
    for no_range in ("bytes=", "bytes=0-1,5-6", "lines=1-2", "bytes=-"):
        reply = await candidate.get("/turns/1/audio", headers={"Range": no_range})
        assert (reply.status_code, reply.content) == (200, whole)


async def test_staff_hear_the_turns_of_the_interview_whose_link_they_hold(
    service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "e.wav"
    write_recording(path, 5)
    made = await service.start()
    candidate = await spoken(service, path, Speaker.CANDIDATE, 1000, 2000, made=made)
    other = await service.start()
    own, foreign = [await service.staff(token_in(each["report_url"])) for each in (made, other)]
    place = f"{candidate.place}/turns/1/audio"
    heard = (await candidate.get("/turns/1/audio")).content
    assert (await own.get(place)).content == heard
    part = await own.get(place, headers={"Range": "bytes=10-99"})
    assert (part.status_code, part.content) == (206, heard[10:100])
    problem(await foreign.get(place), 404)
    problem(await own.get(f"{candidate.place}/transcript"), 401)


async def test_what_was_typed_or_lost_has_no_sound(service: Service, tmp_path: Path) -> None:
    candidate = await spoken(service, tmp_path / "gone.wav", Speaker.CANDIDATE, 0, 1)
    problem(await candidate.get("/turns/1/audio"), 404)
    problem(await candidate.get("/turns/2/audio"), 404)
    problem(await candidate.get("/turns/0/audio"), 422)
    text = tmp_path / "text.wav"
    text.write_text("no sound in here, and long enough to be a header of something")
    other = await spoken(service, text, Speaker.CANDIDATE, 0, 1)
    problem(await other.get("/turns/1/audio"), 404)
    assert UUID(other.place.rsplit("/", 1)[1])
