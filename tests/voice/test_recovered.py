"""What a bot that died had heard and not recognised: the next one finds it in the recording."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from contracts.errors import StaleFence
from contracts.interview import Fence
from contracts.turns import Speaker, TurnKind, TurnPurpose
from tests.voice.clips import CANDIDATE_CHANNEL, clip
from tests.voice.dead import BUCKET, FASTER, NEXT, TABLE, Dead, Narrow, Samples, silence
from tests.voice.memory import MemoryJournal
from tests.voice.rooms import HASH
from tests.waiting import eventually
from voice.conversation import Speech
from voice.recorder import RATE_HZ, WRITE_EVERY_S
from voice.script import Script


def lasts_s(samples: Samples) -> float:
    return len(samples) / RATE_HZ


async def test_a_sentence_in_progress_becomes_part_of_the_answer(
    dead: Dead, voice: Narrow, speech: Speech
) -> None:
    said = voice.say(TABLE)
    await dead.asked()
    await dead.left(silence(1), said[: int(0.8 * len(said))])

    (turn,) = await dead.recovered()

    assert turn.text.startswith("It is a table that maps keys to values")
    assert (turn.speaker, turn.kind) == (Speaker.CANDIDATE, TurnKind.SPOKEN)
    assert (turn.purpose, turn.question_id, turn.revision) == (
        TurnPurpose.ANSWER,
        dead.interview.current,
        1,
    )
    assert turn.raw_text is not None
    assert turn.raw_text.startswith(turn.text[:20])
    assert len(turn.raw_text) > len(turn.text), "a word that was cut off was not said"
    assert turn.started_at - dead.began == pytest.approx(
        timedelta(seconds=1), abs=timedelta(seconds=0.2)
    )
    assert dead.interview.turns[-1] == turn
    assert dead.closed is False

    assert (turn.recording_id, turn.recording_offset_ms is None) == (dead.recording_id, False)
    begins_ms = turn.recording_offset_ms or 0
    ends_ms = begins_ms + int((turn.ended_at - turn.started_at) / timedelta(milliseconds=1))
    (url, _) = dead.interview.recordings[dead.recording_id]
    played = await asyncio.to_thread(clip, url, begins_ms, ends_ms, CANDIDATE_CHANNEL)
    heard = await speech.engines.speech_to_text.transcribe(played[44:])
    assert "maps keys to values" in heard


async def test_a_bot_that_still_hears_is_waited_for(dead: Dead, voice: Narrow) -> None:
    """A worker that stops keeps its candidate's line until the next bot has one."""
    said = voice.say(TABLE)
    half = len(said) // 2
    await dead.asked()
    await dead.left(silence(1), said[:half])
    dead.writes(silence(0))
    recovering = asyncio.create_task(dead.recovered())
    await eventually(lambda: dead.interview.held == NEXT)
    dead.writes(said[half:], silence(1))

    assert [turn.text for turn in await recovering] == [TABLE]


async def test_a_bot_that_hears_without_end_is_not_waited_for(dead: Dead, voice: Narrow) -> None:
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(1))

    async def writing() -> None:
        while True:
            dead.writes(silence(WRITE_EVERY_S))
            await asyncio.sleep(WRITE_EVERY_S)

    written = asyncio.create_task(writing())
    recovering = asyncio.create_task(dead.recovered())
    await asyncio.wait({written, recovering}, return_when=asyncio.FIRST_COMPLETED)
    written.cancel()

    assert [turn.text for turn in recovering.result()] == [TABLE]


async def test_recovering_twice_at_once_has_one_effect(dead: Dead, voice: Narrow) -> None:
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(0.8), voice.say(BUCKET), silence(1))
    left = await dead.journal.left_recordings()

    await asyncio.gather(*[(await dead.recovery(dead.journal)).run(left) for _ in range(2)])

    assert dead.interview.texts(TurnPurpose.ANSWER) == [TABLE, BUCKET]


async def test_a_bot_that_died_while_it_recovered_is_gone_on_from(
    dead: Dead, voice: Narrow
) -> None:
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(0.8), voice.say(BUCKET), silence(1))
    assert len(await dead.recovered()) == 2
    assert await dead.recovered(Fence(epoch=3)) == [], "a closed recording is not looked at"

    del dead.interview.turns[-1]
    url, _ = dead.interview.recordings[dead.recording_id]
    dead.interview.recordings[dead.recording_id] = (url, None)

    assert [turn.text for turn in await dead.recovered(Fence(epoch=4))] == [BUCKET]


async def test_what_is_a_turn_already_is_not_heard_again(dead: Dead, voice: Narrow) -> None:
    table = voice.say(TABLE)
    await dead.asked()
    await dead.left(silence(1), table, silence(0.5), voice.say(BUCKET), silence(1))
    await dead.answered(TABLE, 1.0, 1.0 + lasts_s(table))

    assert [turn.text for turn in await dead.recovered()] == [BUCKET]
    assert dead.interview.texts(TurnPurpose.ANSWER) == [TABLE, BUCKET]


async def test_a_turn_ends_where_its_recording_has_it(dead: Dead, voice: Narrow) -> None:
    """Sound that was held up lies in the recording later than the clock says."""
    table = voice.say(TABLE)
    await dead.asked()
    await dead.left(silence(3), table, silence(0.5), voice.say(BUCKET), silence(1))
    await dead.answered(TABLE, 1.0, 1.0 + lasts_s(table), placed_s=3.0)

    assert [turn.text for turn in await dead.recovered()] == [BUCKET]


async def test_the_end_of_a_last_word_is_no_new_word(dead: Dead, voice: Narrow) -> None:
    """The turn's end is the voice detector's; the recording is a moment behind it."""
    table = voice.say(TABLE)
    await dead.asked()
    await dead.left(silence(1), table, silence(2))
    await dead.answered(TABLE, 1.0, 0.85 + lasts_s(table))

    assert await dead.recovered() == []
    assert dead.closed is False


async def test_speech_that_was_cut_for_its_length_goes_on_where_it_was_cut(
    dead: Dead, voice: Narrow
) -> None:
    first, rest = voice.say(TABLE), voice.say(BUCKET)
    await dead.asked()
    await dead.left(first, rest, silence(1))
    await dead.answered(TABLE, 0.0, lasts_s(first))

    text = " ".join(turn.text for turn in await dead.recovered())

    assert "index of the bucket" in text
    assert "function" not in text


async def test_a_long_stretch_is_recognised_in_parts(dead: Dead, voice: Narrow) -> None:
    spoken = np.concatenate([voice.say(text) for text in (TABLE, BUCKET, FASTER, TABLE, BUCKET)])
    assert lasts_s(spoken) > 15
    await dead.asked()
    await dead.left(spoken, silence(0.5))

    turns = await dead.recovered()

    assert len(turns) > 1
    text = " ".join(turn.text for turn in turns).lower()
    assert text.count("index of the bucket") == 2
    assert text.count("copies of data") == 1
    assert [turn.number for turn in turns] == sorted(turn.number or 0 for turn in turns)


async def test_key_terms_are_put_back_as_in_live_speech(dead: Dead, voice: Narrow) -> None:
    named = HASH.model_copy(update={"key_terms": ("Hash Table",)})
    dead.interview.questions[next(iter(dead.interview.questions))] = named
    await dead.asked()
    await dead.left(silence(1), voice.say("It is a hash table, in short."), silence(1))

    (turn,) = await dead.recovered()

    assert turn.text == dead.speech.repair.repair(turn.raw_text or "", named.key_terms)


@pytest.mark.parametrize(
    "said", ["Could you repeat that, please?", "Let me think.", "Okay, yes, right."]
)
async def test_requests_and_nods_belong_to_no_answer(dead: Dead, voice: Narrow, said: str) -> None:
    await dead.asked()
    await dead.left(silence(1), voice.say(said), silence(1))

    (turn,) = await dead.recovered()

    assert turn.purpose is TurnPurpose.CONTROL


async def test_a_reply_to_what_was_asked_back_belongs_to_no_answer(
    dead: Dead, voice: Narrow
) -> None:
    back = Script().confirm_skip()
    await dead.asked()
    await dead.asked(-3.0, purpose=TurnPurpose.CONTROL, text=back)
    await dead.left(silence(1), voice.say("No, I would like to try it."), silence(1))

    (turn,) = await dead.recovered()

    assert turn.purpose is TurnPurpose.CONTROL


async def test_words_from_before_the_prompt_belong_to_no_answer(dead: Dead, voice: Narrow) -> None:
    await dead.asked(20.0)
    await dead.left(silence(1), voice.say(TABLE), silence(1))

    (turn,) = await dead.recovered()

    assert (turn.purpose, turn.question_id) == (TurnPurpose.CONTROL, dead.interview.current)


async def test_words_to_another_question_belong_to_no_answer(dead: Dead, voice: Narrow) -> None:
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(1))
    dead.interview.type_answer("It was typed while nobody listened.")
    first, second = dead.interview.questions
    assert dead.interview.current == second

    (turn,) = await dead.recovered()

    assert (turn.purpose, turn.question_id) == (TurnPurpose.CONTROL, first)


async def test_words_to_a_follow_up_belong_to_its_revision(dead: Dead, voice: Narrow) -> None:
    follow_up = HASH.key_points[0].follow_up or ""
    dead.interview.follow_up, dead.interview.revision = "point", 2
    await dead.asked(-30.0)
    await dead.asked(purpose=TurnPurpose.FOLLOW_UP, text=follow_up)
    await dead.left(silence(1), voice.say(BUCKET), silence(1))

    (turn,) = await dead.recovered()

    assert (turn.purpose, turn.revision) == (TurnPurpose.ANSWER, 2)


_RANDOM = np.random.default_rng(5)
_CLOCK = np.arange(8 * RATE_HZ) / RATE_HZ
_KNOCKS = np.where(_CLOCK % 0.5 < 0.03, 12_000 * np.sin(2 * np.pi * 300 * _CLOCK), 0)
NOISES = {
    "silence": silence(8),
    "white noise": _RANDOM.normal(0, 1500, 8 * RATE_HZ).astype(np.int16),
    "a hum": (6000 * np.sin(2 * np.pi * 120 * _CLOCK)).astype(np.int16),
    "knocking": _KNOCKS.astype(np.int16),
    "nothing at all": silence(0),
}


@pytest.mark.parametrize("noise", NOISES)
async def test_sound_without_words_leaves_no_turn(dead: Dead, noise: str) -> None:
    await dead.asked()
    await dead.left(NOISES[noise])

    assert await dead.recovered() == []
    assert dead.closed is False


async def test_of_a_long_recording_only_the_last_minute_is_read(dead: Dead, voice: Narrow) -> None:
    await dead.asked()
    early = np.concatenate([silence(2), voice.say(TABLE)])
    await dead.left(early, silence(30 * 60), voice.say(BUCKET), silence(1))

    async with asyncio.timeout(3):
        (turn,) = await dead.recovered()

    assert turn.text == BUCKET
    assert turn.started_at - dead.began > timedelta(minutes=30)


@pytest.mark.parametrize("content", [None, b"", b"RIFF and so on, which is no recording of ours"])
async def test_what_cannot_be_read_is_left_alone(
    dead: Dead, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = dead.folder / "elsewhere.wav"
    if content is not None:
        path.write_bytes(content)
    await dead.asked()
    await dead.journal.begin_recording(dead.recording_id, str(path), dead.began)

    assert await dead.recovered() == []

    (line,) = [each.getMessage() for each in caplog.records if each.name == "codevoice.voice"]
    assert str(dead.recording_id) in line
    assert "elsewhere" not in line
    assert dead.closed is None, "another machine may be able to read it"


async def test_a_newer_bot_recovers_and_an_older_one_writes_nothing(
    dead: Dead, voice: Narrow
) -> None:
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(1))
    slow = MemoryJournal(dead.interview, NEXT)
    recovery = await dead.recovery(slow)
    left = await slow.left_recordings()
    (turn,) = await dead.recovered(Fence(epoch=3))

    with pytest.raises(StaleFence):
        await recovery.run(left)
    with pytest.raises(StaleFence):  # the bot that was only frozen, with the same words
        await dead.answered(TABLE, 1.0, 4.0)
    assert dead.interview.texts(TurnPurpose.ANSWER) == [turn.text]
