"""Turns, answers, grades, reports, recordings: each written once, whatever is retried."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.errors import Conflict, NotFound, StaleFence
from contracts.grades import Evidence, Grade, GradeKind, PointGrade, Verdict
from contracts.interview import Fence, Outcome
from contracts.turns import Speaker, TurnKind, TurnPurpose
from db.ids import new_id
from db.rows import Interview
from db.store import Store
from tests.builders import a_turn, an_interview

OLD, NEW = Fence(epoch=1), Fence(epoch=2)


@pytest.fixture
async def interview(store: Store) -> Interview:
    return await an_interview(store)


async def put(
    store: Store,
    interview: Interview,
    revision: int = 1,
    *,
    fence: Fence | None = None,
    outcome: Outcome = Outcome.ANSWERED,
) -> UUID:
    question_id = interview.start.questions[0].question_id
    return await store.answers.put(
        interview.id, question_id, revision, new_id(), fence=fence, outcome=outcome
    )


def a_grade(version: str = "embedded-1", score: float = 5.0) -> Grade:
    quote = Evidence(start=0, end=4, text="hash")
    point = PointGrade(key_point_id="bucket", verdict=Verdict.COVERED, credit=0.5, evidence=quote)
    return Grade(kind=GradeKind.EMBEDDED, grader_version=version, score=score, points=(point,))


async def test_turns_are_numbered_by_the_database_in_order(
    store: Store, interview: Interview
) -> None:
    other = await an_interview(store)
    numbers = [(await store.turns.add(a_turn(interview, word))).number for word in "abc"]

    assert numbers == [1, 2, 3]
    assert (await store.turns.add(a_turn(other, "d"))).number == 1
    assert [turn.text for turn in await store.turns.of_interview(interview.id)] == ["a", "b", "c"]
    assert [turn.text for turn in await store.turns.of_interview(interview.id, after=2)] == ["c"]
    assert (await store.turns.numbered(interview.id, 2)).text == "b"


async def test_one_turn_written_twenty_times_at_once_is_one_row(
    store: Store, interview: Interview
) -> None:
    turn = a_turn(interview, "a hash picks a bucket")

    written = await asyncio.gather(*(store.turns.add(turn) for _ in range(20)))

    assert len({each.number for each in written}) == 1
    assert await store.turns.of_interview(interview.id) == (written[0],)
    assert len(await store.events.since(interview.id, 0)) == 1


async def test_turns_written_at_once_get_rising_numbers_of_their_own(
    store: Store, interview: Interview
) -> None:
    turns = [a_turn(interview, str(index)) for index in range(30)]

    written = await asyncio.gather(*map(store.turns.add, turns))

    assert len({each.number for each in written}) == 30


async def test_a_turn_survives_what_postgresql_cannot_hold(
    store: Store, interview: Interview
) -> None:
    turn = a_turn(interview, "nul \x00, bell \x07, 你好, \U0001f600").model_copy(
        update={"raw_text": "lone \ud800"}
    )

    await store.turns.add(turn)

    (kept,) = await store.turns.of_interview(interview.id)
    assert kept.text == "nul \ufffd, bell \x07, 你好, \U0001f600"
    assert kept.raw_text == "lone \ufffd"


async def test_an_older_bot_writes_nothing(store: Store, interview: Interview) -> None:
    await store.interviews.take_fence(interview.id, NEW)

    with pytest.raises(StaleFence):
        await store.turns.add(a_turn(interview, "late"), OLD)
    with pytest.raises(StaleFence):
        await put(store, interview, fence=OLD)
    with pytest.raises(StaleFence):
        await store.recordings.begin(new_id(), interview.id, "a.wav", datetime.now(UTC), OLD)

    assert await store.turns.of_interview(interview.id) == ()
    assert await store.answers.of_interview(interview.id) == ()
    assert await store.recordings.of_interview(interview.id) == ()


async def test_the_newest_bot_and_http_may_write(store: Store, interview: Interview) -> None:
    await store.interviews.take_fence(interview.id, NEW)

    await store.turns.add(a_turn(interview, "spoken"), NEW)
    await store.turns.add(a_turn(interview, "typed", kind=TurnKind.TYPED))

    assert len(await store.turns.of_interview(interview.id)) == 2


async def test_a_stale_bots_repeat_of_a_turn_that_stands_is_told_its_number(
    store: Store, interview: Interview
) -> None:
    turn = a_turn(interview, "said before the hand-over")
    written = await store.turns.add(turn, OLD)
    await store.interviews.take_fence(interview.id, NEW)

    assert await store.turns.add(turn, OLD) == written


async def test_a_turn_of_an_unknown_interview_or_anothers_id_is_refused(
    store: Store, interview: Interview
) -> None:
    other = await an_interview(store)
    turn = await store.turns.add(a_turn(interview, "mine"))

    with pytest.raises(Conflict):
        await store.turns.add(turn.model_copy(update={"interview_id": other.id}))
    with pytest.raises(NotFound):
        await store.turns.add(a_turn(interview, "x", interview_id=new_id()))


async def test_an_answer_is_the_candidates_answer_turns_up_to_its_revision(
    store: Store, interview: Interview
) -> None:
    for turn in (
        a_turn(
            interview, "The question", speaker=Speaker.INTERVIEWER, purpose=TurnPurpose.QUESTION
        ),
        a_turn(interview, "A hash picks a bucket."),
        a_turn(interview, "Could you repeat that?", purpose=TurnPurpose.CONTROL),
        a_turn(interview, "Collisions are chained.", revision=2, kind=TurnKind.TYPED),
        a_turn(interview, "Something later.", revision=3),
        a_turn(interview, "Another question's.", question=1),
    ):
        await store.turns.add(turn)

    answer = await store.answers.seal(await put(store, interview, revision=2))

    assert answer.text == "A hash picks a bucket.\nCollisions are chained."
    assert [turn.text for turn in answer.turns] == answer.text.split("\n")
    assert answer.revision == 2


async def test_twenty_puts_of_one_answer_at_once_make_one_row(
    store: Store, interview: Interview
) -> None:
    await store.turns.add(a_turn(interview, "A hash."))

    ids = await asyncio.gather(*(put(store, interview) for _ in range(20)))

    assert len(set(ids)) == 1
    assert [answer.id for answer in await store.answers.of_interview(interview.id)] == [ids[0]]


async def test_an_unsealed_answer_takes_in_what_was_said_since(
    store: Store, interview: Interview
) -> None:
    await store.turns.add(a_turn(interview, "A hash"))
    first = await put(store, interview, outcome=Outcome.INTERRUPTED)
    await store.turns.add(a_turn(interview, "picks a bucket"))

    assert await put(store, interview) == first
    (answer,) = await store.answers.of_interview(interview.id)
    assert (answer.text, answer.outcome) == ("A hash\npicks a bucket", Outcome.ANSWERED)


async def test_a_sealed_answer_stands(store: Store, interview: Interview) -> None:
    await store.turns.add(a_turn(interview, "A hash"))
    answer_id = await put(store, interview)
    sealed = await store.answers.seal(answer_id)

    assert await put(store, interview, outcome=Outcome.INTERRUPTED) == answer_id
    await store.turns.add(a_turn(interview, "picks a bucket"))
    with pytest.raises(Conflict):
        await put(store, interview)

    assert await store.answers.seal(answer_id) == sealed
    (answer,) = await store.answers.of_interview(interview.id)
    assert answer.outcome is Outcome.ANSWERED
    longer = await store.answers.seal(await put(store, interview, revision=2))
    assert longer.text == "A hash\npicks a bucket"


async def test_an_empty_answer_is_an_answer(store: Store, interview: Interview) -> None:
    answer = await store.answers.seal(await put(store, interview))

    assert (answer.text, answer.turns) == ("", ())


async def test_open_turns_are_those_of_exactly_the_revision_being_given(
    store: Store, interview: Interview
) -> None:
    question_id = interview.start.questions[0].question_id
    await store.turns.add(a_turn(interview, "before"))
    await store.turns.add(a_turn(interview, "now", revision=2))
    await store.turns.add(a_turn(interview, "Go on.", revision=2, speaker=Speaker.INTERVIEWER))

    opened = await store.turns.open(interview.id, question_id, 2)

    assert [turn.text for turn in opened] == ["now"]


async def test_a_grade_is_kept_once_per_grader_version(store: Store, interview: Interview) -> None:
    answer_id = await put(store, interview)

    ids = await asyncio.gather(*(store.grades.put(answer_id, a_grade()) for _ in range(20)))
    late = await store.grades.put(answer_id, a_grade(score=9.0))
    newer = await store.grades.put(answer_id, a_grade("embedded-2", score=6.0))

    assert {*ids, late} == {ids[0]}
    stored = await store.grades.of_interview(interview.id)
    assert [(each.id, each.grade.score) for each in stored] == [(ids[0], 5.0), (newer, 6.0)]
    assert await store.grades.of_answer(answer_id) == stored
    assert stored[0].grade == a_grade()


async def test_a_grade_of_no_answer_is_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.grades.put(new_id(), a_grade())


async def test_a_report_is_kept_once_per_version(store: Store, interview: Interview) -> None:
    assert await store.reports.latest(interview.id) is None
    first = await store.reports.put(new_id(), interview.id, 1, {"text": "a\x00b", "n": [1.5]})
    again = await store.reports.put(new_id(), interview.id, 1, {"text": "other"})
    second = await store.reports.put(new_id(), interview.id, 2, {})

    assert first == again
    assert (await store.reports.get(interview.id, 1)).payload == {"text": "a\ufffdb", "n": [1.5]}
    latest = await store.reports.latest(interview.id)
    assert latest is not None
    assert (latest.id, latest.version) == (second, 2)
    with pytest.raises(NotFound):
        await store.reports.get(interview.id, 3)
    with pytest.raises(NotFound):
        await store.reports.put(new_id(), new_id(), 1, {})


async def test_a_recording_is_incomplete_until_it_is_finished(
    store: Store, interview: Interview
) -> None:
    recording_id = new_id()
    for _ in range(2):
        await store.recordings.begin(
            recording_id, interview.id, "a.wav", datetime.now(UTC), Fence(epoch=1)
        )
    (begun,) = await store.recordings.of_interview(interview.id)
    assert (begun.complete, begun.duration_ms) == (None, None)

    await store.recordings.finish(recording_id, complete=False, duration_ms=1200)

    (finished,) = await store.recordings.of_interview(interview.id)
    assert (finished.complete, finished.duration_ms) == (False, 1200)


async def test_an_offer_carries_its_answer_back(store: Store, interview: Interview) -> None:
    offer_id = new_id()
    await store.offers.put(offer_id, interview.id, "v=0 offer")
    assert await store.offers.answer_sdp(offer_id) is None

    await store.offers.put_answer(offer_id, "v=0 answer")

    assert await store.offers.sdp(offer_id) == "v=0 offer"
    assert await store.offers.answer_sdp(offer_id) == "v=0 answer"
    with pytest.raises(NotFound):
        await store.offers.sdp(new_id())
    with pytest.raises(NotFound):
        await store.offers.put(new_id(), new_id(), "v=0")
