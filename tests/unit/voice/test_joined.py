"""The whole interview as one file: both sides on one clock, whatever became of its bots."""

from __future__ import annotations

import multiprocessing
import tracemalloc
from multiprocessing.synchronize import Event
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import psutil
import pytest
import soundfile

from tests.unit.voice.recordings import Recording, levels, recorded
from voice.joined import LONGEST_BREAK_S, Whole, blocks, lay_out, write
from voice.recorder import RATE_HZ
from voice.scorer import join

INTERVIEW = UUID(int=7)


def laid_out(folder: Path, *recordings: Recording) -> Whole:
    whole = lay_out(INTERVIEW, str(folder), recordings)
    assert whole is not None
    return whole


def written(whole: Whole) -> np.ndarray:
    write(whole)
    sound, rate_hz = soundfile.read(whole.url, dtype="int16")
    assert rate_hz == RATE_HZ
    assert len(sound) == whole.frames
    return np.asarray(sound)


def write_and_tell(whole: Whole, begun: Event) -> None:
    begun.set()
    write(whole)


def test_a_hand_over_keeps_both_sides_and_the_silence_between(tmp_path: Path) -> None:
    first = recorded(tmp_path, 3, candidate=((1, 2, 1000),), interviewer=((2, 3, 2000),))
    second = recorded(tmp_path, 2, candidate=((0.5, 1, 3000),), after_s=5.25)
    whole = laid_out(tmp_path, second, first)
    sound = written(whole)
    assert len(sound) == 7.25 * RATE_HZ
    assert levels(sound[:, 0], wanted := {0.9: 0, 1.5: 1000, 4: 0, 5.7: 0, 5.8: 3000}) == wanted
    assert levels(sound[:, 1], wanted := {1.5: 0, 2.5: 2000, 3.1: 0, 6: 0}) == wanted
    assert [part.begins_ms for part in whole.parts] == [0, 5250]
    assert [part.recording_id for part in whole.parts] == [first.id, second.id]
    assert whole.complete
    assert whole.duration_ms == 7250


def test_what_was_recorded_is_kept_bit_by_bit(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-32768, 32768, (9 * RATE_HZ, 2), np.int16)
    recording = recorded(tmp_path, 9)
    with Path(recording.url).open("r+b") as file:
        file.seek(44)
        file.write(noise.tobytes())
    assert np.array_equal(written(laid_out(tmp_path, recording)), noise)


def test_where_two_bots_recorded_at_once_both_are_heard(tmp_path: Path) -> None:
    old = recorded(tmp_path, 4, candidate=((0, 4, 1000),), interviewer=((0, 4, 30_000),))
    new = recorded(tmp_path, 4, candidate=((0, 4, 500),), interviewer=((0, 4, 9_000),), after_s=2)
    sound = written(laid_out(tmp_path, old, new))
    assert levels(sound[:, 0], wanted := {1: 1000, 3: 1500, 5: 500}) == wanted
    assert levels(sound[:, 1], wanted := {1: 30_000, 3: 32_767, 5: 9_000}) == wanted


def test_a_long_pause_is_cut_down_and_what_follows_moves_up(tmp_path: Path) -> None:
    a, b, c = (
        recorded(tmp_path, 2, interviewer=((0, 1, 100 * number),), after_s=at)
        for number, at in ((1, 0), (2, 3600), (3, 3605))
    )
    whole = laid_out(tmp_path, a, b, c)
    assert [part.begins_ms for part in whole.parts] == [0, 32_000, 37_000]
    assert whole.duration_ms == 39_000
    assert (whole.parts[1].begins_ms - 2000) / 1000 == LONGEST_BREAK_S
    sound = written(whole)
    assert levels(sound[:, 1], wanted := {0.5: 100, 32.5: 200, 37.5: 300}) == wanted


def test_a_killed_bots_recording_is_as_long_as_its_file_and_marks_the_whole(tmp_path: Path) -> None:
    killed = recorded(tmp_path, 3, complete=None)
    with Path(killed.url).open("r+b") as file:
        file.truncate(44 + 2 * RATE_HZ * 4 + 3)
    whole = laid_out(tmp_path, killed, recorded(tmp_path, 1, after_s=4))
    assert (whole.pieces[0].frames, whole.complete) == (2 * RATE_HZ, False)
    assert written(whole).shape == (5 * RATE_HZ, 2)


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    gone = Recording(uuid4(), str(tmp_path / "gone.wav"), recorded(tmp_path, 0).started_at)
    assert lay_out(INTERVIEW, str(tmp_path), [gone]) is None
    text = tmp_path / "text.wav"
    text.write_text("no sound in here, and long enough to be a header of something else")
    other = Recording(uuid4(), str(text), gone.started_at)
    whole = laid_out(tmp_path, gone, other, recorded(tmp_path, 1, after_s=9))
    assert (len(whole.pieces), whole.pieces[0].begins, whole.complete) == (1, 0, False)


def test_trying_again_makes_the_same_file_and_removes_what_the_last_try_left(
    tmp_path: Path,
) -> None:
    recording = recorded(tmp_path, 2, interviewer=((0, 2, 77),))
    whole = laid_out(tmp_path, recording)
    place = Path(whole.url)
    place.parent.mkdir()
    (place.parent / f"{place.name}.0123.part").write_bytes(b"half of it")  # killed meanwhile
    for _ in range(2):
        assert join(INTERVIEW, str(tmp_path), [recording]) == whole
        assert [each.name for each in place.parent.iterdir()] == [f"{whole.id}.flac"]


@pytest.mark.parametrize("cpu_s", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_a_joining_that_is_killed_leaves_no_file_or_a_whole_one(
    tmp_path: Path, cpu_s: float
) -> None:
    recording = recorded(tmp_path, 60)
    with Path(recording.url).open("r+b") as file:
        file.seek(44)
        file.write(np.random.default_rng(1).bytes(120 * RATE_HZ * 4))
    whole = laid_out(tmp_path, recording)
    processes = multiprocessing.get_context("spawn")
    begun = processes.Event()
    joining = processes.Process(target=write_and_tell, args=(whole, begun))
    joining.start()
    assert begun.wait(30)
    process = psutil.Process(joining.pid)
    kill_at = process.cpu_times().user + cpu_s
    while joining.is_alive() and process.cpu_times().user < kill_at:
        joining.join(0.005)
    joining.kill()
    joining.join()
    if Path(whole.url).exists():
        assert soundfile.info(whole.url).frames == whole.frames
    assert written(whole).any()
    assert [each.name for each in Path(whole.url).parent.iterdir()] == [f"{whole.id}.flac"]


def test_a_recording_that_shrinks_meanwhile_leaves_no_file(tmp_path: Path) -> None:
    recording = recorded(tmp_path, 9)
    whole = laid_out(tmp_path, recording)
    with Path(recording.url).open("r+b") as file:
        file.truncate(8 * RATE_HZ * 4)
    with pytest.raises(OSError, match="shorter"):
        write(whole)
    assert list(Path(whole.url).parent.iterdir()) == []


def test_a_long_interview_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    peaks = []
    for minutes in (1, 20):
        recording = recorded(tmp_path, 60)
        with Path(recording.url).open("r+b") as file:
            file.truncate(44 + minutes * 60 * RATE_HZ * 4)
        whole = laid_out(tmp_path, recording)
        tracemalloc.start()
        assert sum(len(block) for block in blocks(whole)) == whole.frames
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] < 4e6
