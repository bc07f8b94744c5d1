"""Question versions by id. A version never changes, so each is read once per process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from contracts.questions import Question

if TYPE_CHECKING:
    from db.questions import Questions

_KEPT: Final = 5_000  # some 2 kB each


class PinnedQuestions:
    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._kept: dict[UUID, Question] = {}

    async def get(self, question_id: UUID) -> Question:
        return (await self.by_ids((question_id,)))[question_id]

    async def by_ids(self, question_ids: Iterable[UUID]) -> dict[UUID, Question]:
        wanted = tuple(question_ids)
        missing = [each for each in wanted if each not in self._kept]
        if missing:
            if len(self._kept) + len(missing) > _KEPT:
                self._kept.clear()
            self._kept |= await self._questions.by_ids(missing)
        return {each: self._kept[each] for each in wanted}
