from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.questions import Difficulty, KeyPoint, Question
from grading.embedded import EmbeddedGrader
from grading.encoder import Encoder


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="session")
def grader(encoder: Encoder) -> Iterator[EmbeddedGrader]:
    grader = EmbeddedGrader(encoder)
    yield grader
    grader.close()


@pytest.fixture(scope="session")
def stack() -> Question:
    """A question with four key points of unlike weight."""
    return Question(
        slug="stack",
        topic="Data structures",
        difficulty=Difficulty.EASY,
        prompt="What is a stack, and what is it used for?",
        rephrased="Tell me how a stack works and where one is used.",
        key_points=(
            KeyPoint(id="lifo", text="The last element pushed is the first one popped.", weight=2),
            KeyPoint(id="top", text="Elements are added and removed at one end only, the top."),
            KeyPoint(
                id="calls",
                text="The runtime keeps function calls and their local variables on one.",
            ),
            KeyPoint(id="cost", text="Adding and removing both take constant time."),
        ),
        model_answer="The last element pushed is popped first; both take constant time at the top.",
    )
