"""The whole product, killed part by part in mid-interview; then canaries are searched for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import connections
from bench.interviewee import Interviewee, interviewee
from bench.visitor import Visitor
from bench.voices import RATE_HZ, ShiftedHeart
from contracts.turns import Speaker, Turn, TurnPurpose
from db.store import Store
from local.product import Product
from local.spare import holder_of
from local.stack import API, CONVERSATIONS, INTERVIEWS, Stack, up
from settings import load
from tests.conftest import open_temporary_folder
from tests.integration.survival import (
    ANSWER,
    EMAIL,
    NAME,
    SAID,
    SPOKEN,
    accepted_updates,
    an_offer,
    answer_the_question,
    answer_while_away,
    assert_graded_once,
    assert_nothing_lost_or_doubled,
    completed,
    invited,
    newest_answers,
    persistently,
    said_so_far,
)
from tests.waiting import eventually

NO_FILE = Path("/nonexistent/.env")
FINISHED = "A primary key is never null."
#: Said in one breath: a pause would make a turn of what comes before it.
IN_PROGRESS = (
    "It names each row of a table in a way that all other rows of all other tables are able to use "
    "whenever they are referring to that row."
)
#: Persons, what was typed and what was spoken.
CANARIES = (NAME, EMAIL, SAID, "collision", *SPOKEN, "referring")
#: A recording's two channels of 16-bit samples at 16 kHz.
RECORDED_BYTES_PER_S = 2 * 2 * 16_000


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    with open_temporary_folder() as folder:
        async with up(load({"DATA_DIR": str(folder / "data")}, NO_FILE)) as running:
            # `holder_of` and other commands find the product by its folder.
            before = os.environ.get("DATA_DIR")
            os.environ["DATA_DIR"] = str(running.settings.data_dir)
            yield running
            os.environ.pop("DATA_DIR")
            if before is not None:
                os.environ["DATA_DIR"] = before


@pytest.fixture
def product(stack: Stack) -> Product:
    return Product(stack.url, stack.api_key)


@pytest.fixture
async def store(stack: Stack) -> AsyncIterator[Store]:
    store = connections.open_store(stack.settings)
    yield store
    await store.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", [INTERVIEWS, API, "Temporal", "PostgreSQL"])
async def test_an_interview_goes_on_after_a_part_is_killed(
    stack: Stack, product: Product, store: Store, part: str
) -> None:
    made = await invited(product, 2)
    visitor = await Visitor.open(made["join_url"])
    await visitor.agree()
    await visitor.post("join", {"purpose": "typing"})
    answered: set[tuple[str, int]] = set()
    assert await answer_the_question(visitor, answered)

    child = stack.children.named(part)
    killed = child.pid or 0
    os.kill(killed, signal.SIGKILL)
    while await answer_the_question(visitor, answered):
        pass

    status = await completed(product, made["id"])
    assert child.pid not in (None, killed)
    assert status["progress"]["answered"] == 2
    await assert_nothing_lost_or_doubled(store, made["id"], answered)
    assert set((await accepted_updates(stack, made["id"])).values()) == {1}
    await visitor.close()


@pytest.fixture
async def spare(stack: Stack) -> AsyncIterator[None]:
    """A second conversations worker. At the end the first one is back, whichever was killed."""
    child = await stack.add_conversations_worker("spare conversations worker")
    yield
    await eventually(stack.children.named(CONVERSATIONS).plan.ready, within_s=60)
    await child.stop()


async def recorded_after(store: Store, turn: Turn) -> float:
    """Seconds of the recording that follow the turn, as its file holds them now."""
    recordings = await store.recordings.of_interview(turn.interview_id)
    (row,) = (row for row in recordings if row.id == turn.recording_id)
    url = row.url.removeprefix("file://")
    held_s = (await asyncio.to_thread(os.path.getsize, url)) / RECORDED_BYTES_PER_S
    return held_s - (turn.ended_at - row.started_at).total_seconds()


async def begin_to_answer(person: Interviewee, store: Store, interview_id: Any) -> Turn:
    """Speaks a sentence and goes on with the next one. Returns when the first is a turn and four
    seconds of what follows it are in the recording, in the middle of the second."""
    pause = np.zeros(int(0.7 * RATE_HZ), np.int16)
    sentences = [person.candidate.rehearse(text) for text in (FINISHED, IN_PROGRESS)]
    assert len(sentences[1]) / RATE_HZ > 7, "longer than what is waited for and not yet written"
    person.candidate.microphone.speak(np.concatenate([sentences[0], pause, sentences[1]]))
    (turn,) = await eventually(lambda: said_so_far(store, interview_id), within_s=15)

    async def enough() -> bool:
        return await recorded_after(store, turn) > 4

    await eventually(enough, within_s=15)
    return turn


@pytest.mark.timeout(300)
async def test_the_speaking_worker_killed_in_mid_answer_is_replaced(
    stack: Stack, product: Product, store: Store, spare: None
) -> None:
    # So patient that a machine that is busy for a second does not end the answer.
    made = await invited(product, 1, patience_s=4)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        await person.next_prompt()
        holder = await holder_of(made["id"])
        finished = await begin_to_answer(person, store, made["id"])
        killed_at = time.monotonic()
        os.kill(holder, signal.SIGKILL)
        person.candidate.microphone.hush()
        assert await said_so_far(store, made["id"]) == [finished]
        await person.voice_again(killed_at)
        await person.next_prompt()
        await person.candidate.say("That is the whole idea of it.")
        while await person.next_prompt() is not None:
            await person.candidate.say("There is nothing more that I would like to add.")

    await completed(product, made["id"])
    turns = await store.turns.of_interview(made["id"])
    (back,) = (turn for turn in turns if turn.purpose is TurnPurpose.RESUME)
    assert "is kept" in back.text
    spoken = [turn for turn in turns if turn.speaker is Speaker.INTERVIEWER]
    first = [turn for turn in spoken if turn.purpose is TurnPurpose.QUESTION]
    assert {turn.question_id for turn in first} == {first[0].question_id}
    (answer, *_) = await store.answers.of_interview(made["id"])
    for said, when in (
        ("null", "finished before the kill"),
        ("names each row", "in progress at the kill"),
        ("idea", "said after it"),
    ):
        assert answer.text.lower().count(said) == 1, f"what was {when} is in the answer, once"

    async def both_closed() -> bool:
        rows = await store.recordings.of_interview(made["id"])
        return [row.complete for row in rows] == [False, True]

    await eventually(both_closed, within_s=15)  # the bot closes its own after its goodbye
    assert set((await accepted_updates(stack, made["id"])).values()) == {1}


@pytest.mark.timeout(400)
async def test_a_spoken_interview_goes_on_while_part_after_part_is_away(
    stack: Stack, product: Product, store: Store
) -> None:
    made = await invited(product, 3, patience_s=1)
    outages = dict(zip([INTERVIEWS, API, "Temporal", "PostgreSQL"], SPOKEN.values(), strict=True))
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        while await person.next_prompt() is not None:
            if outages:
                part, sentence = outages.popitem()
                child = stack.children.named(part)
                await answer_while_away(person, child, sentence)
            else:
                await persistently(lambda: person.visitor.post("finish"))
    await completed(product, made["id"])
    assert outages == {}, "there was a prompt for each part"
    said = " ".join(turn.text.lower() for turn in await said_so_far(store, made["id"]))
    kept = await newest_answers(store, made["id"])
    graded = " ".join(answer.text.lower() for answer in kept.values())
    for word in SPOKEN:
        assert said.count(word) == graded.count(word) == 1, f"{word}, in its answer, once"
    await assert_graded_once(store, made["id"])
    assert set((await accepted_updates(stack, made["id"])).values()) == {1}


async def test_the_same_start_at_once_makes_one_interview(product: Product) -> None:
    body = {"question_count": 1, "candidate": {"name": NAME}}
    headers = {"Idempotency-Key": "the-same-at-once"}

    def start() -> Any:
        return product.http.post("/interviews", json=body, headers=headers)

    replies = await asyncio.gather(*(asyncio.to_thread(start) for _ in range(8)))
    assert {reply.status_code for reply in replies} <= {201, 409}, "409: the first one still runs"
    replies = [reply for reply in replies if reply.status_code == 201]
    replies.append(await asyncio.to_thread(start))
    assert len(replies) >= 2
    assert len({reply.content for reply in replies}) == 1


async def test_the_same_answer_at_once_has_one_effect(
    stack: Stack, product: Product, store: Store
) -> None:
    made = await invited(product, 1)
    visitor = await Visitor.open(made["join_url"])
    await visitor.agree()
    await visitor.post("join", {"purpose": "typing"})

    async def asked() -> Any:  # the row that is read may be a moment behind the workflow
        return (await persistently(visitor.status))["current_question"]

    question = await eventually(asked)
    body = {"question_id": question["question_id"], "revision": 1, "text": ANSWER}
    first, *others = await asyncio.gather(*(visitor.post("answers", body) for _ in range(8)))
    assert others == [first] * 7
    answered = {(question["question_id"], 1)}
    while await answer_the_question(visitor, answered):
        pass
    await completed(product, made["id"])
    await assert_nothing_lost_or_doubled(store, made["id"], answered)
    updates = await accepted_updates(stack, made["id"])
    assert updates[f"answer:{question['question_id']}:1"] == 1
    assert set(updates.values()) == {1}
    await visitor.close()


async def test_the_same_offer_at_once_is_one_join(stack: Stack, product: Product) -> None:
    made = await invited(product, 1)
    visitor = await Visitor.open(made["join_url"])
    await visitor.agree()
    offer = {"sdp": await an_offer(), "type": "offer"}
    first, second = await asyncio.gather(*(visitor.post("join", offer) for _ in range(2)))
    assert first == second
    assert first["epoch"] == 1
    assert await visitor.post("join", offer) == first
    updates = await accepted_updates(stack, made["id"])
    assert [number for name, number in updates.items() if name.startswith("join:")] == [1]
    await asyncio.to_thread(product.call, "POST", f"/interviews/{made['id']}/cancel")
    await visitor.close()


async def test_an_interview_is_cancelled_from_the_command_line(product: Product) -> None:
    made = await invited(product, 1)
    status = await asyncio.to_thread(product.call, "POST", f"/interviews/{made['id']}/cancel")
    assert status["status"] == "cancelled"


async def test_database_temporal_bots_and_files_agree_in_the_end(stack: Stack) -> None:
    """After everything above; found by DATA_DIR, as an operator's command finds it."""
    doctor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "doctor", "--deep", "--json"), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await doctor.communicate()
    compared = [each for each in json.loads(told) if each["part"] == "interviews"]
    assert compared
    assert [each["state"] for each in compared if not each["ok"]] == []


async def test_no_text_or_person_stands_in_histories_logs_or_metrics(
    stack: Stack, product: Product
) -> None:
    """Runs last: over everything the interviews above left behind."""
    found = []
    logs = sorted((stack.settings.data_dir / "logs").glob("*.log"))
    assert logs
    for log in logs:
        text = log.read_text(errors="replace")
        found += [(log.name, word) for word in CANARIES if word in text]
    metrics = (await asyncio.to_thread(httpx.get, f"{stack.url}/metrics")).text
    found += [("metrics", word) for word in CANARIES if word in metrics]
    (database,) = (stack.settings.data_dir / "temporal").glob("*.db")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as histories:
        dump = "\n".join(_blobs(histories))
    assert "interview-" in dump, "the histories were read"
    found += [("Temporal", word) for word in CANARIES if word in dump]
    assert found == []


def _blobs(connection: sqlite3.Connection) -> list[str]:
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    texts = []
    for table in tables:
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            texts += [
                cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
                for cell in row
            ]
    return texts
