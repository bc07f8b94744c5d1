"""Moving an interview: one effect however often it is asked, and nothing at the wrong moment."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.turns import Speaker, Turn
from tests.integration.test_api.service import CONSENT, Service, answer_to
from tests.integration.test_api.test_edges import problem

OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuv",
        "a=fingerprint:sha-256 " + ":".join(32 * ["AB"]),
        "a=setup:actpass",
        "a=candidate:1 1 udp 2122260223 192.168.1.7 54321 typ host generation 0",
        "",
    )
)


_TAB = str(uuid4())


async def said_in(service: Service, interview_id: UUID) -> list[Turn]:
    """The candidate's turns."""
    turns = await service.store.turns.of_interview(interview_id)
    return [turn for turn in turns if turn.speaker is Speaker.CANDIDATE]


async def test_the_same_key_gives_the_same_reply(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    first = await candidate.post("consent", key="k-1", **CONSENT)
    await candidate.post("join", purpose="typing")
    again = await candidate.post("consent", key="k-1", **CONSENT)
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    other = await candidate.post("decline", key="k-1")
    assert problem(other, 422)["type"].endswith("idempotency-mismatch")


async def test_a_refusal_is_kept_under_its_key_and_an_invalid_body_is_not(
    service: Service,
) -> None:
    candidate = await service.candidate_of(await service.start())
    refused = await candidate.post("pause", key="k-2")
    assert refused.status_code == 409
    await candidate.type_in()
    replayed = await candidate.post("pause", key="k-2")
    assert replayed.status_code == 409
    assert replayed.headers["content-type"] == "application/problem+json"
    assert (await candidate.post("pause", key="k-3", wrong=1)).status_code == 422
    assert (await candidate.post("pause", key="k-3")).status_code == 200


async def test_keys_of_two_interviews_do_not_meet(service: Service) -> None:
    for _ in range(2):
        candidate = await service.candidate_of(await service.start())
        reply = await candidate.post("consent", key="same", **CONSENT)
        assert reply.status_code == 200
        assert "idempotent-replayed" not in reply.headers


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
async def test_a_key_that_is_none_is_refused(service: Service, key: str) -> None:
    candidate = await service.candidate_of(await service.start())
    reply = await candidate.post("consent", key=key, **CONSENT)
    assert problem(reply, 422)["field"] == "Idempotency-Key"


async def test_one_answer_sent_many_times_at_once_is_one_answer(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    await candidate.type_in()
    answer = answer_to(await candidate.question(1), "bucket, collision", turn_id=str(uuid4()))
    replies = await asyncio.gather(*(candidate.post("answers", **answer) for _ in range(6)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    await candidate.question(2)
    late = await candidate.post("answers", **answer)
    assert late.content == replies[0].content
    row = await service.interview(made)
    assert len(await said_in(service, row.id)) == 1
    assert len(await service.store.answers.of_interview(row.id)) == 1


async def test_another_text_for_a_recorded_answer_changes_nothing(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    await candidate.type_in()
    question = await candidate.question(1)
    turn_id = str(uuid4())
    first = answer_to(question, "bucket, collision", turn_id=turn_id)
    assert (await candidate.post("answers", **first)).status_code == 200
    await candidate.question(2)
    problem(await candidate.post("answers", **answer_to(question, "something else")), 409)
    problem(await candidate.post("answers", **{**first, "text": "something else"}), 409)
    row = await service.interview(made)
    turns = await said_in(service, row.id)
    assert [turn.text for turn in turns] == ["bucket, collision"]


async def test_an_answer_at_the_wrong_moment_changes_nothing(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    row = await service.interview(made)
    planned = [str(each.question_id) for each in row.start.questions]
    early: dict[str, Any] = {"question_id": planned[0], "revision": 1, "text": "too early"}
    problem(await candidate.post("answers", **early), 409)
    await candidate.type_in()
    await candidate.question(1)
    for wrong in ({"question_id": planned[1]}, {"revision": 2}, {"question_id": str(uuid4())}):
        told = problem(await candidate.post("answers", **{**early, **wrong}), 409)
        assert told["field"] == "question_id"
    await candidate.post("pause")
    await candidate.reaches("paused")
    problem(await candidate.post("answers", **early), 409)
    assert await said_in(service, row.id) == []


@pytest.mark.parametrize("text", ["", "\x00\u0007", "\u4e2d\u6587 \U0001f600", "ignore all of it"])
async def test_an_answer_is_recorded_as_it_was_typed(service: Service, text: str) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.type_in()
    question = await candidate.question(1)
    assert (await candidate.post("answers", **answer_to(question, text))).status_code == 200
    turns = (await candidate.get("/transcript")).json()["turns"]
    (turn,) = [turn for turn in turns if turn["speaker"] == "candidate"]
    assert turn["text"] == text.replace("\x00", "\ufffd")


async def test_skip_back_pause_resume_and_finish(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.type_in()
    first = await candidate.question(1)
    told = (await candidate.post("skip", question_id=first["question_id"])).json()
    assert told["current_question"]["number"] == 2
    assert told["progress"]["skipped"] == 1
    told = (await candidate.post("back")).json()
    assert told["current_question"]["number"] == 1
    told = (await candidate.post("pause")).json()
    assert (told["status"], told["clock_running"]) == ("paused", False)
    assert told["current_question"]["number"] == 1
    assert (await candidate.post("resume")).json()["status"] in {"interrupted", "in_progress"}
    assert (await candidate.post("finish")).json()["status"] in {"grading", "completed"}
    await candidate.reaches("completed")
    problem(await candidate.post("skip"), 409)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 200),
        (b"{}", "application/json", 200),
        (b"null", "application/json", 200),
        (b"[]", "application/json", 422),
        (b"{}", "text/plain", 422),
        (b'{"question_id": 1}', "application/json", 422),
        (b'{"question": null}', "application/json", 422),
        (b"{", "application/json", 400),
    ],
)
async def test_a_verb_needs_no_body_and_refuses_a_wrong_one(
    service: Service, content: bytes, kind: str, status: int
) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.type_in()
    reply = await candidate.client.post(
        f"{candidate.place}/pause", content=content, headers={"content-type": kind}
    )
    assert reply.status_code == status, reply.text
    await candidate.reaches("paused" if status == 200 else "in_progress")


async def test_a_named_tab_takes_the_interview_and_an_unnamed_one_does_not(
    service: Service,
) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.type_in()
    epochs = [
        (await candidate.post("join", purpose="typing", **named)).json()["epoch"]
        for named in ({}, {"tab": _TAB}, {"tab": _TAB}, {"tab": str(uuid4())}, {"tab": _TAB}, {})
    ]
    assert epochs == [0, 1, 1, 2, 3, 3]


async def test_a_button_pressed_for_a_question_that_is_past_is_harmless(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.type_in()
    first = await candidate.question(1)
    replies = [await candidate.post("skip", question_id=first["question_id"]) for _ in range(2)]
    assert [reply.json()["current_question"]["number"] for reply in replies] == [2, 2]


async def test_an_interview_can_be_declined_or_called_off(service: Service) -> None:
    declined = await service.candidate_of(await service.start())
    assert (await declined.post("decline")).json()["status"] == "declined"
    problem(await declined.post("join", purpose="typing"), 409)

    made = await service.start()
    server = await service.server_of(made)
    assert (await server.post("cancel")).json()["status"] == "cancelled"
    problem(await (await service.candidate_of(made)).post("consent", **CONSENT), 409)
    problem(await server.get("/report"), 404)


@pytest.mark.parametrize("version", ["", "1", "2026-11-22.html", "../2026-11-22", 1, None])
async def test_only_a_text_that_was_shown_can_be_agreed_to(service: Service, version: Any) -> None:
    candidate = await service.candidate_of(await service.start())
    told = problem(await candidate.post("consent", text_version=version), 422)
    assert told["field"] == "text_version"
    assert (await candidate.status())["consented"] is False


async def test_nobody_joins_without_having_agreed(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    problem(await candidate.post("join", purpose="typing"), 409)
    problem(await candidate.post("check", sdp=OFFER), 409)


async def test_an_offer_gets_its_answer_however_often_it_is_sent(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.post("consent", **CONSENT)
    replies = await asyncio.gather(*(candidate.post("join", sdp=OFFER) for _ in range(4)))
    assert {reply.status_code for reply in replies} == {200}
    assert {reply.content for reply in replies} == {replies[0].content}
    told = replies[0].json()
    assert (told["type"], told["sdp"]) == ("answer", f"v=0\r\ns={told['epoch']}\r\n")
    assert service.bot.heard == 1

    newer = (await candidate.post("join", sdp=OFFER.replace("54321", "54322"))).json()
    assert newer["epoch"] > told["epoch"]


async def test_a_check_answers_and_starts_nothing(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.post("consent", **CONSENT)
    told = (await candidate.post("check", sdp=OFFER)).json()
    assert told["type"] == "answer"
    assert (await candidate.status())["status"] == "waiting"


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=0",
        "not an sdp",
        OFFER.replace("actpass", "active"),
        OFFER.replace("a=setup:actpass\r\n", ""),
        OFFER.replace("a=fingerprint", "a=finger"),
        OFFER + 100 * "a=candidate:1 1 udp 1 10.0.0.1 5 typ host\r\n",
        OFFER + 1000 * "a=x\r\n",
        OFFER + "a=" + 5000 * "x",
        OFFER + 20 * "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
        OFFER.replace("s=-", "s=\x00"),
        10_000 * "a=x\r\n",
    ],
)
async def test_an_offer_that_is_none_is_refused_before_anybody_reads_it(
    service: Service, sdp: str
) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    await candidate.post("consent", **CONSENT)
    for verb in ("join", "check"):
        assert problem(await candidate.post(verb, sdp=sdp), 422)["field"] == "sdp"
    assert service.bot.heard == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purpose": "typing", "sdp": OFFER},
        {"purpose": "check", "sdp": OFFER},
        {"tab": _TAB, "sdp": OFFER},
    ],
)
async def test_a_join_says_how_it_joins(service: Service, body: dict[str, Any]) -> None:
    candidate = await service.candidate_of(await service.start())
    assert (await candidate.post("join", **body)).status_code == 422


async def test_a_flood_of_offers_is_stopped(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.post("consent", **CONSENT)
    statuses = []
    for port in range(50_000, 50_040):
        reply = await candidate.post("join", sdp=OFFER.replace("54321", str(port)))
        statuses.append(reply.status_code)
    assert statuses[0] == 200
    assert problem(reply, 429)
    assert int(reply.headers["retry-after"]) > 0
