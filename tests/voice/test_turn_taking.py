"""Turn taking with real models and a real voice over real WebRTC.

Waits are printed by the bench; the limits here only tell a working conversation from a broken one
on a busy machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from bench.candidate import SimulatedCandidate
from bench.voices import RATE_HZ, Joe, ShiftedHeart, pause
from tests.voice.sentences import word_error_rate
from tests.voice.small_bot import SmallBot
from tests.waiting import eventually
from voice.conversation import Speech

LINE = "Thank you. What is a hash table, and how does it handle two keys that share a bucket?"
Meeting = tuple[SmallBot, SimulatedCandidate]
Meet = Callable[..., Awaitable[Meeting]]


@pytest.fixture
async def meet(speech: Speech, heart: ShiftedHeart) -> AsyncIterator[Meet]:
    """Bot and candidate, connected."""
    met: list[Meeting] = []

    async def connect(patience_s: float = 1.0) -> Meeting:
        bot = SmallBot(speech.engines, speech.models, [LINE] * 9, patience_s=patience_s)
        candidate = SimulatedCandidate(bot.answer, heart)
        met.append((bot, candidate))
        await candidate.join()
        return bot, candidate

    yield connect
    for bot, candidate in met:
        await candidate.leave()
        await bot.close()


async def asking(meeting: Meeting) -> None:
    """The bot is in the middle of its line."""
    bot, candidate = meeting
    onsets = len(candidate.ear.onsets)
    await bot.say(LINE)
    await eventually(lambda: len(candidate.ear.onsets) > onsets)
    await candidate.say(pause(1.0))
    assert candidate.ear.speaking()


def cough() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    length = int(RATE_HZ * 0.35)
    return (np.random.default_rng(0).normal(0, 9000, length) * np.hanning(length)).astype(np.int16)


async def test_an_answer_is_understood_and_answered(meet: Meet) -> None:
    bot, candidate = await meet()
    said = "A deadlock happens when two threads each hold a lock the other one needs."
    exchange = await candidate.ask(said)
    assert word_error_rate([(said, bot.happened.turns[0])]) < 0.4
    assert exchange.wait_s is not None
    assert 0.9 < exchange.wait_s < 3.5


async def test_without_patience_the_answer_comes_sooner(meet: Meet) -> None:
    _, candidate = await meet(patience_s=0.0)
    exchange = await candidate.ask("A queue is first in first out.")
    assert exchange.wait_s is not None
    assert exchange.wait_s < 2.5


async def test_a_real_interruption_silences_the_bot_and_is_heard(meet: Meet) -> None:
    bot, candidate = await meet()
    await asking((bot, candidate))
    silent_after_s = await candidate.interrupt("Sorry, could you please repeat the question?")
    assert silent_after_s < 0.9
    await eventually(lambda: bot.happened.turns)
    assert "repeat" in bot.happened.turns[0]
    assert bot.happened.asides == []


@pytest.mark.parametrize("sound", ["Okay, right.", "Yes.", "cough"])
async def test_a_nod_or_a_cough_does_not_stop_the_bot(meet: Meet, sound: str) -> None:
    bot, candidate = await meet()
    await asking((bot, candidate))
    before = bot.happened.interruptions
    await candidate.say(cough() if sound == "cough" else sound)
    began = candidate.ear.onsets[-1]
    await candidate.listen(quiet_s=1.2)
    assert bot.happened.interruptions == before
    assert bot.happened.turns == []
    line_s = 5.0
    assert candidate.ear.last_loud_at - began > 0.8 * line_s or len(candidate.ear.onsets) > 1


async def test_an_answer_ended_too_soon_is_taken_back(meet: Meet, heart: ShiftedHeart) -> None:
    bot, candidate = await meet()
    first, second = "A hash table maps keys to buckets.", "It handles collisions by chaining."
    samples = np.concatenate([heart.say(first), pause(1.6), heart.say(second)])
    await candidate.ask(samples, quiet_s=1.5)
    assert bot.happened.taken_back == 1
    assert len(bot.happened.turns) == 2


async def test_im_done_closes_an_unfinished_sentence(meet: Meet) -> None:
    bot, candidate = await meet()
    await candidate.say("I think that is because")
    await eventually(lambda: bot.taking.stop.in_turn)
    assert await bot.taking.stop.close_now()
    await eventually(lambda: bot.happened.turns)
    assert bot.happened.turns[0].lower().startswith("i think")


async def test_let_me_think_is_waited_for(meet: Meet) -> None:
    bot, candidate = await meet()
    joe = Joe()
    await candidate.say(joe.say("The first way is chaining. Let me think."))
    await eventually(lambda: bot.happened.quiet or bot.happened.turns)
    assert bot.happened.quiet == 1
    assert bot.taking.stop.quiet
    await candidate.ask(joe.say("The second way is open addressing."))
    assert len(bot.happened.turns) == 1
    assert "second" in bot.happened.turns[0]
