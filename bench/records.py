"""Interviews as rows of a real database, for what a candidate's record may lead to a model."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from temporalio.testing import ActivityEnvironment

from activities.grading import Grader, GradingActivities, LanguageModel
from contracts.activities import AnswerRef
from contracts.grades import Grade, GradeKind
from contracts.interview import Fence, InterviewStart, PlannedQuestion
from contracts.questions import Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from db.database import make_engine
from db.events import Listener
from db.ids import new_id
from db.journal import ConversationJournal
from db.migrate import migrate
from db.rows import Candidate, NewInterview
from db.store import Store
from local.account import server_account
from local.postgres import Postgres
from local.processes import Children

_IN_TIME: Final = timedelta(seconds=60)


class Records:
    """Makes an interview of one question for each case."""

    def __init__(self, store: Store, database_url: str) -> None:
        self._store, self._url = store, database_url
        self._questions: dict[Question, UUID] = {}

    async def graded(
        self, question: Question, answer: str, name: str, grader: Grader, model: LanguageModel
    ) -> Grade:
        """The language model's grade of a typed answer, as the worker's activity makes it."""
        start = await self._interview(question, name)
        question_id = start.questions[0].question_id
        await self._store.turns.add(_turn(start, question_id, answer))
        answer_id = await self._store.answers.put(start.interview_id, question_id, 1, new_id())
        reference = AnswerRef(
            interview_id=start.interview_id,
            question_id=question_id,
            revision=1,
            answer_id=answer_id,
        )
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, start_to_close_timeout=_IN_TIME)
        activities = GradingActivities(self._store, grader, language_model=model)
        await environment.run(activities.grade_answer, reference)
        rows = await self._store.grades.of_answer(answer_id)
        return next(row.grade for row in rows if row.grade.kind is GradeKind.LLM)

    async def plan(self, question: Question, name: str) -> Mapping[UUID, Question]:
        """What a bot that holds this candidate's interview reads of it before it speaks."""
        start = await self._interview(question, name)
        nobody = Listener(self._url)
        journal = ConversationJournal(self._store, nobody, start.interview_id, Fence(epoch=1))
        return await journal.plan()

    async def _interview(self, question: Question, name: str) -> InterviewStart:
        organisation = await self._store.access.default_organisation()
        planned = PlannedQuestion(
            question_id=await self._question_id(question),
            difficulty=question.difficulty,
            time_limit=question.time_limit,
        )
        start = InterviewStart(
            interview_id=new_id(),
            organisation_id=organisation.id,
            questions=(planned,),
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
        await self._store.interviews.create(
            NewInterview(start=start, candidate=Candidate(name=name))
        )
        return start

    async def _question_id(self, question: Question) -> UUID:
        if question not in self._questions:
            await self._store.questions.load([question])
            bank = await self._store.questions.current()
            found = next(each.id for each in bank if each.question.slug == question.slug)
            self._questions[question] = found
        return self._questions[question]


def _turn(start: InterviewStart, question_id: UUID, answer: str) -> Turn:
    now = datetime.now(UTC)
    return Turn(
        id=new_id(),
        interview_id=start.interview_id,
        question_id=question_id,
        revision=1,
        speaker=Speaker.CANDIDATE,
        kind=TurnKind.TYPED,
        purpose=TurnPurpose.ANSWER,
        text=answer,
        started_at=now,
        ended_at=now,
    )


@asynccontextmanager
async def records() -> AsyncIterator[Records]:
    """On a server of its own, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cv") as name:
        folder, children = Path(name), Children()
        folder.chmod(0o711)  # the server runs as another user where we are root
        server = Postgres(folder / "pg", server_account(), {"fsync": "off"})
        await asyncio.to_thread(server.prepare)
        try:
            await children.start(server.plan(folder / "postgres.log"))
            await server.make_database()
            await asyncio.to_thread(migrate, server.url())
            store = Store(make_engine(server.url()))
            try:
                yield Records(store, server.url())
            finally:
                await store.close()
        finally:
            await children.stop()
