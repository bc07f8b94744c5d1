"""Typed interviews straight at Temporal, without HTTP: the candidate, and the API's writes."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from temporalio.client import Client, WorkflowHistory

from api.starting import planned
from bench.respondent import Respondent
from contracts.interview import (
    Consent,
    Cursor,
    InterviewStart,
    Join,
    Joined,
    JoinPurpose,
    RecordAnswer,
    Snapshot,
)
from contracts.questions import Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from db.ids import new_id
from db.rows import NewInterview, StoredQuestion
from db.store import Store
from questions.draw import draw
from workflows.interview_client import workflow_id

QUESTIONS: Final = 3


class Engine(Protocol):
    """How the driver talks to either workflow; `InterviewClient` is one."""

    async def start(self, start: InterviewStart) -> None: ...
    async def consent(self, interview_id: UUID, message: Consent, /) -> Snapshot: ...
    async def join(self, interview_id: UUID, message: Join, /) -> Joined: ...
    async def record_answer(self, interview_id: UUID, message: RecordAnswer, /) -> Snapshot: ...


class Driver:
    """Holds interviews with one engine: the candidate, and the API's writes."""

    def __init__(self, engine: Engine, temporal: Client, store: Store) -> None:
        self._engine = engine
        self._temporal = temporal
        self.store = store
        self._bank: tuple[StoredQuestion, ...] = ()
        self._words: dict[UUID, Question] = {}
        self._organisation_id: UUID

    async def open(self) -> None:
        self._organisation_id = (await self.store.access.default_organisation()).id
        self._bank = await self.store.questions.current()
        self._words = {stored.id: stored.question for stored in self._bank}

    async def hold(self, seeds: Sequence[int], at_once: int) -> list[UUID]:
        """One interview for each seed, `at_once` at a time, to its result. Returns their ids.

        Raises TimeoutError when they take longer than any machine should need.
        """
        waiting, held = iter(seeds), list[UUID]()

        async def candidate() -> None:
            for seed in waiting:
                held.append(await self._interview(seed))

        within_s = 60 + 5 * len(seeds)
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as candidates:
            for _ in range(at_once):
                candidates.create_task(candidate())
        return held

    async def events(self, interview_ids: Sequence[UUID]) -> float:
        """How many events the history of one of these has, on average."""
        histories = [await self._history(each) for each in interview_ids]
        return statistics.mean(len(history.events) for history in histories)

    async def answers(self, interview_ids: Sequence[UUID]) -> float:
        """How many answers one of these has, on average: each follow-up asks for one more."""
        found = [await self.store.answers.of_interview(each) for each in interview_ids]
        return statistics.mean(map(len, found))

    async def _history(self, interview_id: UUID) -> WorkflowHistory:
        return await self._temporal.get_workflow_handle(workflow_id(interview_id)).fetch_history()

    async def _interview(self, seed: int) -> UUID:
        start = self._start(seed)
        store, engine, here = self.store, self._engine, start.interview_id
        await store.interviews.create(NewInterview(start=start, seed=seed))
        await engine.start(start)
        await store.interviews.mark_started(here)
        consent = Consent(consent_id=new_id())
        await store.interviews.set_consent(consent.consent_id or here, here, "2026-11")
        await engine.consent(here, consent)
        respondent = Respondent()
        cursor = (await engine.join(here, Join(purpose=JoinPurpose.TYPING))).snapshot.cursor
        while cursor.question_id is not None:
            cursor = await self._answer(here, cursor.question_id, cursor, respondent)
        await self._temporal.get_workflow_handle(workflow_id(here)).result()
        return here

    async def _answer(
        self, here: UUID, question_id: UUID, cursor: Cursor, respondent: Respondent
    ) -> Cursor:
        prompt = self._words[question_id].prompt_for(cursor.follow_up)
        now = datetime.now(UTC)
        turn = Turn(
            id=new_id(),
            interview_id=here,
            question_id=question_id,
            revision=cursor.revision,
            speaker=Speaker.CANDIDATE,
            kind=TurnKind.TYPED,
            purpose=TurnPurpose.ANSWER,
            text=respondent.answer(prompt),
            started_at=now,
            ended_at=now,
        )
        await self.store.turns.add(turn)
        answer_id = await self.store.answers.put(here, question_id, cursor.revision, new_id())
        message = RecordAnswer(
            question_id=question_id,
            revision=cursor.revision,
            answer_id=answer_id,
            await_next=True,
        )
        return (await self._engine.record_answer(here, message)).cursor

    def _start(self, seed: int) -> InterviewStart:
        drawn = draw([s.question for s in self._bank], None, None, QUESTIONS, seed)
        ids = {stored.question.slug: stored.id for stored in self._bank}
        return InterviewStart(
            interview_id=new_id(),
            organisation_id=self._organisation_id,
            questions=tuple(planned(ids[each.slug], each) for each in drawn),
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
