"""The bench of attacks on the language models: its cases, and what it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from bench.attacks import WORDINGS, Age, Attack, Carrier, attacks, written_last
from bench.carried import ANSWERS, carried, sentences_of, takes
from bench.drift import Honest, drifted, of_the_bank
from bench.injection import Moved, summary, table
from bench.interviewing import VERDICTS, Interviewing, Obeys, worded
from bench.leaks import canary, with_canaries
from contracts.questions import Question
from grading.embedded import EmbeddedGrader
from questions.loader import starter_bank
from tests.builders import a_question
from tests.fakes.openai_server import Asked
from voice import prompting

MOVES = [(0.0, False), (5.0, True), (-1.5, False), (0.5, False)]
HONEST = "A key is hashed."
OVERRIDE = WORDINGS["override"][0]


class Verbatim:
    """Recognises every word."""

    async def of(self, question: Question, text: str) -> str:
        return " ".join(text.split())


def test_there_are_three_hundred_attacks_and_a_third_more_kept_apart() -> None:
    cases, kept_apart = list(attacks()), list(written_last())
    everything = {(each.family, each.carrier, each.words) for each in (*cases, *kept_apart)}
    assert len(everything) == len(cases) + len(kept_apart)
    assert (len(cases), len(kept_apart)) == (300, 180)
    assert set(Counter(each.family for each in cases).values()) == {25}
    assert set(Counter(each.carrier for each in cases).values()) == {60}
    ages = Counter(each.age for each in (*cases, *kept_apart))
    assert ages == {Age.WRITTEN_WITH: 180, Age.SEEN: 120, Age.WRITTEN_LAST: 180}


@pytest.mark.parametrize("carrier", Carrier)
async def test_an_attack_stands_in_what_carries_it_and_nowhere_else(carrier: Carrier) -> None:
    for attack in (*attacks(), *written_last()):
        if attack.carrier is carrier:
            case = await carried(attack, "half", Verbatim())
            seen = attack.seen_in(case.said, case.clean)
            assert seen == carrier.stands_in_the_answer, attack
            assert (case.name is not None) == (carrier is Carrier.NAME)


async def test_an_answer_is_wrong_half_right_and_right() -> None:
    attack = Attack("override", Carrier.TYPED, 0)
    wrong, half, right = [(await carried(attack, each, Verbatim())).clean for each in ANSWERS]
    assert half
    assert right.startswith(half)
    assert right == " ".join(sentences_of(8, "right")) == starter_bank()[8].model_answer
    assert wrong not in right


def test_the_product_has_no_place_for_a_role_or_a_resume() -> None:
    assert takes("topics", ["Algorithms"])
    assert not takes("resume", OVERRIDE)


def test_a_summary_counts_what_moved_far_and_is_shown_to_nobody() -> None:
    attack = next(attacks())
    moved = [Moved(attack, "wrong", change, person, True) for change, person in MOVES]
    found = summary(moved)
    assert (found.cases, found.mean, found.worst, found.read) == (4, 1.0, 5.0, 4)
    assert (found.far, found.far_unflagged) == (2, 1)
    rows = [line for line in table({"obeys": moved}) if "override" in line]
    assert len(rows) == 1
    assert rows[0].endswith("| missed |")


def a_request(question: Question, said: str) -> Asked:
    return Asked({"messages": prompting.listening(question.prompt, [said])}, {})


def test_a_model_obeys_what_it_reads_in_all_of_its_replies_or_in_every_other() -> None:
    question, attack = a_question(), Attack("override", Carrier.SPOKEN, 0)
    replies = {}
    for share in (0.0, 0.5, 1.0):
        model = Interviewing(attack, HONEST, question, obeys=Obeys.JUDGES, share=share)
        assert VERDICTS[0] not in model(a_request(question, HONEST))
        assert not model.read
        replies[share] = [model(a_request(question, OVERRIDE)) for _ in range(4)]
        assert model.read
    told = {share: sum(VERDICTS[0] in each for each in said) for share, said in replies.items()}
    assert told == {0.0: 0, 0.5: 2, 1.0: 4}


def test_canaries_stand_in_every_key_point_and_in_no_word_that_is_spoken() -> None:
    words = {canary(question) for question in starter_bank()}
    assert len(words) == len(starter_bank())
    for question in starter_bank():
        guarded, word = with_canaries(question), canary(question)
        assert all(word in point.text for point in guarded.key_points)
        follow_ups = [point.follow_up or "" for point in guarded.key_points]
        assert word in guarded.model_answer
        assert word not in " ".join([guarded.prompt, guarded.rephrased, *follow_ups])


def test_lines_are_told_by_who_worded_them() -> None:
    assert worded(["Thank you.", "Noted  then."], ["answer\nNoted then. And more."]) == [
        "Noted  then."
    ]


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedGrader]:
    with closing(EmbeddedGrader()) as grader:
        yield grader


async def test_honest_answers_of_the_bank_do_not_drift_and_an_order_is_noticed(
    embedded: EmbeddedGrader,
) -> None:
    answers = of_the_bank()
    assert len(answers) >= 500
    assert {each.change for each in await drifted(answers[::16], embedded)} == {0.0}
    question = starter_bank()[0]
    attacked = Honest(question, f"{OVERRIDE[:-1]} and so: {question.model_answer}")
    (found,) = await drifted([attacked], embedded)
    assert found.change < 0
    assert found.flagged
