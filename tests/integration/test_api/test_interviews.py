"""Starting an interview, looking at it, and typing one from beginning to end."""

from __future__ import annotations

import asyncio

from contracts.interview import Fence
from contracts.manner import English, Manner
from db.events import Listener
from db.journal import ConversationJournal
from tests.integration.test_api.service import CONSENT, Service, answer_to


async def test_a_started_interview_waits_for_its_candidate(service: Service) -> None:
    made = await service.start(candidate={"name": "Ada"})
    assert made["status"] == "waiting"
    assert made["progress"]["total"] == 2
    assert made["candidate"] == {"name": "Ada", "email": None}
    assert made["current_question"] is None
    assert made["join_url"].startswith("http://interviews.example/i/")
    assert made["report_url"].startswith("http://interviews.example/r/")
    assert (await service.interview(made)).workflow_started_at is not None


async def test_the_defaults_are_four_questions_in_twenty_minutes(service: Service) -> None:
    reply = await (await service.server()).post("/api/v1/interviews", json={})
    assert reply.json()["progress"]["total"] == 4
    assert reply.json()["remaining_s"] == 20 * 60


async def test_named_questions_are_asked_in_their_order(service: Service) -> None:
    made = await service.start(questions=["locks", "hash-maps", "joins"])
    plan = await service.store.interviews.plan((await service.interview(made)).id)
    assert [question.slug for question in plan.values()] == ["locks", "hash-maps", "joins"]


async def test_the_same_seed_draws_the_same_questions(service: Service) -> None:
    plans = []
    for _ in range(2):
        row = await service.interview(await service.start(seed=7, question_count=3))
        plans.append([each.question_id for each in row.start.questions])
    assert plans[0] == plans[1]


async def test_the_bot_is_told_the_voice_and_the_english_that_were_asked_for(
    service: Service, listener: Listener
) -> None:
    made = await service.start(voice="aura-2-thalia-en", language="en-IN", patience_s=3)
    row = await service.interview(made)
    journal = ConversationJournal(service.store, listener, row.id, Fence(epoch=1))
    asked = Manner(patience_s=3, voice="aura-2-thalia-en", language=English.INDIAN)
    assert await journal.manner() == asked
    row = await service.interview(await service.start())
    journal = ConversationJournal(service.store, listener, row.id, Fence(epoch=1))
    assert await journal.manner() == Manner()


async def test_another_language_is_refused_with_the_reason(service: Service) -> None:
    server = await service.server()
    for body in ({"language": "de"}, {"voice": "aura-2-celeste-es"}):
        told = (await server.post("/api/v1/interviews", json=body)).json()
        assert told["field"] == next(iter(body))
        assert "English" in told["detail"]


async def test_a_later_interview_is_scheduled(service: Service) -> None:
    made = await service.start(starts_at="2099-01-01T10:00:00+02:00")
    assert made["status"] == "scheduled"
    assert made["starts_at"] == "2099-01-01T08:00:00Z"


async def test_a_whole_interview_can_be_typed(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate_of(made)
    await candidate.type_in()
    for number in (1, 2):
        question = await candidate.question(number)
        assert question["total"] == 2
        reply = await candidate.post("answers", **answer_to(question, "bucket and collision"))
        assert reply.status_code == 200
        assert reply.json()["recorded"] is True
    told = await candidate.reaches("completed")
    assert told["progress"]["answered"] == 2
    assert told["grades_so_far"] == {"graded": 2, "pending": 0, "ungraded": 0}
    assert told["current_question"] is None
    transcript = (await candidate.get("/transcript")).json()
    assert transcript["complete"] is True
    said = [turn for turn in transcript["turns"] if turn["speaker"] == "candidate"]
    assert [turn["kind"] for turn in said] == ["typed", "typed"]
    asked = [turn["text"] for turn in transcript["turns"] if turn["speaker"] == "interviewer"]
    assert len(asked) == 2, "what was asked in writing stands in the transcript"
    report = await (await service.server_of(made)).get("/report.json")
    assert report.json()["version"] == told["report_version"]


async def test_a_missed_point_is_followed_up_once(service: Service) -> None:
    candidate = await service.candidate_of(await service.start())
    await candidate.type_in()
    first = await candidate.question(1)
    await candidate.post("answers", **answer_to(first, "no idea of the first one"))

    told = await candidate.shows(
        lambda told: told["revision"] > first["revision"] and not told["assessing"]
    )
    followed = told["current_question"]
    assert followed["number"] == 1
    assert followed["is_follow_up"] is True
    assert followed["text"] == "How does it know where to look?"
    await candidate.post("answers", **answer_to(followed, "still none"))
    assert (await candidate.question(2))["is_follow_up"] is False


async def test_many_starts_at_once_under_one_key_are_one_interview(service: Service) -> None:
    server = await service.server()

    async def post() -> tuple[int, str]:
        reply = await server.post(
            "/api/v1/interviews", json={}, headers={"Idempotency-Key": "start-1"}
        )
        return reply.status_code, reply.json().get("id", "")

    told = await asyncio.gather(*(post() for _ in range(8)))
    made = {interview_id for status, interview_id in told if status == 201}
    assert len(made) == 1
    assert {status for status, _ in told} <= {201, 409}
    assert (await post())[1] in made
    page = (await server.get("/api/v1/interviews")).json()
    assert [each["id"] for each in page["items"]] == list(made)


async def test_an_unchanged_interview_is_not_sent_twice(service: Service) -> None:
    made = await service.start()
    server, candidate = await service.server_of(made), await service.candidate_of(made)
    await candidate.shows(lambda told: told["state_version"] > 0)
    tag = (await server.get()).headers["etag"]
    again = await server.get(headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert (await server.get(headers={"If-None-Match": '"other"'})).status_code == 200
    # What the organisation sees is not what the candidate sees, so the tags differ.
    assert (await candidate.get(headers={"If-None-Match": tag})).status_code == 200
    assert (await candidate.status())["candidate"] is None

    await candidate.post("consent", **CONSENT)
    await candidate.shows(lambda told: told["consented"])
    assert (await server.get(headers={"If-None-Match": tag})).status_code == 200


async def test_a_list_goes_on_from_page_to_page(service: Service) -> None:
    made = [(await service.start())["id"] for _ in range(5)]
    server = await service.server()
    found: list[str] = []
    after = None
    while True:
        asked = {"limit": 2} | ({"after": after} if after else {})
        page = (await server.get("/api/v1/interviews", params=asked)).json()
        found += [each["id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == made[::-1]
    ended = await server.get("/api/v1/interviews", params={"status": "completed"})
    assert ended.json() == {"items": [], "next": None}


async def test_the_bank_is_listed_without_its_answers(service: Service) -> None:
    reply = await (await service.server()).get("/api/v1/questions", params={"difficulty": "EASY"})
    assert len(reply.json()["items"]) == 5
    assert "collision" not in reply.text
