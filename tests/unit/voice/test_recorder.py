"""The recording's file, whatever happens to it, and the clips cut out of it."""

from __future__ import annotations

import asyncio
import io
import time
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from uuid_utils.compat import uuid7

from contracts.errors import InvalidInput, NotFound
from tests.voice.clips import CANDIDATE_CHANNEL, INTERVIEWER_CHANNEL, clip
from tests.waiting import eventually
from voice.recorder import HEADER_BYTES, OPEN_ENDED, RATE_HZ, Recording, wav_header
from voice.speech import Heard

TONE_10MS_16K = (np.sin(np.arange(160) * 0.3) * 8000).astype("<i2").tobytes()
TONE_10MS_24K = (np.sin(np.arange(240) * 0.2) * 8000).astype("<i2").tobytes()


def _never() -> None:
    raise AssertionError("the recording failed")


async def _speak(recording: Recording, seconds: float, *, both: bool = True) -> None:
    """Plays both sides in real time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for place in range(int(seconds * 100)):
        recording.candidate(TONE_10MS_16K)
        if both:
            recording.interviewer(TONE_10MS_24K, 24_000)
        await asyncio.sleep(max(0.0, began + (place + 1) / 100 - loop.time()))


def _hold_up(seconds: float) -> None:
    """The whole process, as a machine that has too much to do does."""
    time.sleep(seconds)


async def _line_is_held_up(seconds: float) -> None:
    """The process goes on, and nothing comes."""
    await asyncio.sleep(seconds)


async def _speak_late(recording: Recording, seconds: float) -> None:
    """What the candidate said meanwhile comes at once."""
    for _ in range(int(seconds * 100)):
        recording.candidate(TONE_10MS_16K)


async def _quiet(recording: Recording, seconds: float) -> None:
    for _ in range(int(seconds * 100)):
        recording.candidate(bytes(320))
        await asyncio.sleep(0.01)


def _sides(url: str) -> NDArray[np.int16]:
    with wave.open(url) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def _samples(audio: bytes) -> tuple[NDArray[np.int16], int, int]:
    with wave.open(io.BytesIO(audio)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples, file.getnchannels(), file.getframerate()


async def test_the_file_holds_both_sides_and_is_closed_complete(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path), "interview", uuid7(), _never)
    recording.start()
    await _speak(recording, 1.2)
    recorded = await recording.close()
    assert recorded.complete
    assert 1100 < recorded.duration_ms < 2000
    with wave.open(recorded.url) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert (np.abs(sides[: RATE_HZ // 2]).max(axis=0) > 4000).all()


async def test_the_header_is_true_while_the_file_is_being_written(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path), "interview", uuid7(), _never)
    recording.start()
    speaking = asyncio.create_task(_speak(recording, 3.0))
    path = Path(recording.url)

    def half_written() -> int:
        if not path.exists() or path.stat().st_size <= HEADER_BYTES:
            return 0
        with wave.open(str(path)) as file:
            return file.getnframes() if len(file.readframes(10**7)) else 0

    assert await eventually(half_written, within_s=5) > 0
    await speaking
    await recording.close()


async def test_a_pause_of_one_side_is_silence_and_the_sides_stay_in_step(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path), "interview", uuid7(), _never)
    recording.start()
    await _speak(recording, 1.0, both=False)
    await _speak(recording, 0.5)
    recorded = await recording.close()
    with wave.open(recorded.url) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(sides[: int(0.9 * RATE_HZ), 1]).max() == 0
    begins = int(np.flatnonzero(np.abs(sides[:, 1]) > 1000)[0]) / RATE_HZ
    assert 0.9 < begins < 1.3


async def test_sound_that_comes_late_takes_the_place_of_the_silence_there(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path), "interview", uuid7(), _never)
    recording.start()
    await _speak(recording, 0.4, both=False)
    _hold_up(1.0)
    await _speak_late(recording, 1.0)
    await _speak(recording, 0.4, both=False)
    recorded = await recording.close()
    heard = np.flatnonzero(np.abs(_sides(recorded.url)[:, 0]) > 4000)
    assert np.diff(heard).max() < RATE_HZ // 10
    assert 1.7 < (heard[-1] - heard[0]) / RATE_HZ < 2.1


@pytest.mark.parametrize("pause_s", [0.2, 2.0])
async def test_words_are_placed_where_they_are_heard_after_sound_came_late(
    tmp_path: Path, pause_s: float
) -> None:
    """A short silence is given back, and one that is written stays."""
    recording = Recording(str(tmp_path), "interview", uuid7(), _never)
    recording.start()
    await _speak(recording, 0.5, both=False)
    await _line_is_held_up(pause_s)
    await _speak_late(recording, pause_s)
    begins = datetime.now(UTC)
    await _speak(recording, 0.5, both=False)
    heard = Heard("", "", begins, datetime.now(UTC), ends=int((1.0 + pause_s) * RATE_HZ))
    await _quiet(recording, 0.5)
    place, by_the_clock = recording.place_of_words(heard), recording.place_at(begins)
    recorded = await recording.close()
    ends_ms = np.flatnonzero(np.abs(_sides(recorded.url)[:, 0]) > 4000)[-1] * 1000 / RATE_HZ
    assert place is not None
    assert by_the_clock is not None
    assert place.recording_id == recording.recording_id
    lasts_ms = (heard.ended_at - begins) / timedelta(milliseconds=1)
    assert place.offset_ms + lasts_ms == pytest.approx(ends_ms, abs=5)
    assert (place.offset_ms > by_the_clock.offset_ms + 500) == (pause_s > 1)


async def test_a_storage_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    told: list[str] = []
    recording = Recording(
        str(tmp_path / "file"), "interview", uuid7(), lambda: told.append("incomplete")
    )
    recording.start()
    speaking = asyncio.create_task(_speak(recording, 2.0))
    await eventually(lambda: told)
    await speaking
    recorded = await recording.close()
    assert told == ["incomplete"]
    assert not recorded.complete


async def test_any_fsspec_folder_will_do() -> None:
    recording = Recording("memory://recordings", "interview", uuid7(), _never)
    recording.start()
    await _speak(recording, 0.8)
    recorded = await recording.close()
    assert recorded.complete
    samples, _, _ = _samples(await asyncio.to_thread(clip, recorded.url, 0, 500, 0))
    assert np.abs(samples).max() > 4000


def _file(folder: Path, header_bytes: int | None = None, cut: int = 0) -> str:
    """Four seconds: the candidate counts up, the interviewer is at -5."""
    sides = np.full((4 * RATE_HZ, 2), -5, "<i2")
    sides[:, 0] = np.arange(4 * RATE_HZ) // RATE_HZ
    pcm = sides.tobytes()
    pcm = pcm[: len(pcm) - cut]
    path = folder / "recording.wav"
    path.write_bytes(wav_header(len(pcm) if header_bytes is None else header_bytes) + pcm)
    return str(path)


def test_a_clip_holds_the_span_of_one_side(tmp_path: Path) -> None:
    audio, channels, rate_hz = _samples(clip(_file(tmp_path), 1200, 1800, CANDIDATE_CHANNEL))
    assert (channels, rate_hz) == (1, RATE_HZ)
    assert set(audio.tolist()) == {1}
    audio, *_ = _samples(clip(_file(tmp_path), 1200, 1800, INTERVIEWER_CHANNEL))
    assert set(audio.tolist()) == {-5}


@pytest.mark.parametrize(("header", "cut"), [(OPEN_ENDED, 0), (OPEN_ENDED, 3), (0x1000_0000, 0)])
def test_a_clip_is_cut_from_a_file_whose_header_was_never_finished(
    tmp_path: Path, header: int, cut: int
) -> None:
    audio, *_ = _samples(clip(_file(tmp_path, header, cut), 3200, 9000, CANDIDATE_CHANNEL))
    assert set(audio.tolist()) == {3}
    assert len(audio) > 0.8 * RATE_HZ


def test_a_clip_beyond_the_end_is_empty_and_both_sides_can_be_had(tmp_path: Path) -> None:
    audio, *_ = _samples(clip(_file(tmp_path), 60_000, 61_000, CANDIDATE_CHANNEL))
    assert len(audio) == 0
    _, channels, _ = _samples(clip(_file(tmp_path), 0, 1000))
    assert channels == 2


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        clip(str(tmp_path / "none.wav"), 0, 1000)
    text = tmp_path / "text.wav"
    text.write_text("this is not a recording at all")
    with pytest.raises(InvalidInput):
        clip(str(text), 0, 1000)
    with pytest.raises(InvalidInput):
        clip(_file(tmp_path), 2000, 1000)
