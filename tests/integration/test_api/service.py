"""The API as a running service: real HTTP, PostgreSQL and Temporal, the product's own workflow.

The grader and the interviewer are small stand-ins that keep the product's contracts: what they say
is tested elsewhere, what the API makes of it here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities.conduct import Scores
from activities.grading import Grader
from api.app import assemble
from api.links import SignedTokens
from api.observed import Meters
from api.parts import Parts
from connections import TokenSigner
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.grades import Grade, GradeKind, PointGrade, Verdict
from contracts.interview import BotReady, Fence
from contracts.questions import Question
from contracts.queues import CONVERSATIONS
from db.events import Listener
from db.ids import new_id
from db.rows import Interview
from db.store import Store
from livekit_rooms import LiveKitRooms
from reporter import Reporter
from tests.builders import a_question
from tests.waiting import eventually
from tests.workers import Activities, activities_over, polling
from web import consent
from web import routes as pages
from worker import KNOWN_QUEUES
from workflows.interview_client import InterviewClient, workflow_id

#: Agrees to the text in force.
CONSENT = {"text_version": consent.current().version}
#: A client that gives up sooner tells of the machine, not of the service.
PATIENT_S = 120
SECRET = "a secret of the tests, long enough"


class WordGrader:
    """A key point is covered when its id is said."""

    async def grade(self, question: Question, answer: str) -> Grade:
        points = tuple(
            PointGrade(
                key_point_id=point.id,
                verdict=Verdict.COVERED if point.id in answer else Verdict.MISSED,
                credit=1.0 if point.id in answer else 0.0,
            )
            for point in question.key_points
        )
        score = 10 * sum(point.credit for point in points) / len(points)
        return Grade(kind=GradeKind.EMBEDDED, grader_version="words", score=score, points=points)


class SilentBot:
    """Answers the offer, while it `answers`, reports ready and stays until it is sent away, or
    `leaves` as one does whose worker shuts down."""

    def __init__(self, store: Store, interviews: InterviewClient) -> None:
        self._store, self._interviews = store, interviews
        self.heard = self.live = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.leaves = asyncio.Event()

    @activity.defn(name="hold_conversation")
    async def hold_conversation(self, held: HoldConversation) -> ConversationResult:
        self.heard += 1
        self.live += 1
        try:
            return await self._hold(held)
        finally:
            self.live -= 1

    async def _hold(self, held: HoldConversation) -> ConversationResult:
        await self.answers.wait()
        fence = Fence(epoch=held.epoch, attempt=activity.info().attempt)
        if held.offer_id is not None:
            await self._store.offers.put_answer(held.offer_id, f"v=0\r\ns={held.epoch}\r\n")
        await self._interviews.bot_ready(
            held.interview_id,
            BotReady(fence=fence, offer_id=held.offer_id, purpose=held.purpose),
        )
        while not (self.leaves.is_set() or activity.is_worker_shutdown()):
            activity.heartbeat()
            await asyncio.sleep(0.2)
        self.leaves.clear()
        return ConversationResult(end=ConversationEnd.HANDOFF)


@dataclass
class Service:
    """`key` is an organisation's API key, `other_key` another organisation's."""

    url: str
    app: FastAPI
    parts: Parts
    store: Store
    bot: SilentBot
    key: str = "cv_ours_0123456789"
    other_key: str = "cv_others_0123456789"
    clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def client(self, **options: Any) -> httpx.AsyncClient:
        return await self.clients.enter_async_context(
            httpx.AsyncClient(base_url=self.url, timeout=PATIENT_S, **options)
        )

    async def server(self) -> httpx.AsyncClient:
        return await self.client(headers={"Authorization": f"Bearer {self.key}"})

    async def candidate(self, token: str) -> httpx.AsyncClient:
        headers = {"Cookie": f"codevoice_candidate={token}", "Origin": self.url}
        return await self.client(headers=headers)

    async def staff(self, token: str) -> httpx.AsyncClient:
        headers = {"Cookie": f"codevoice_staff={token}", "Origin": self.url}
        return await self.client(headers=headers)

    async def start(self, **body: Any) -> dict[str, Any]:
        """A new interview of two questions, as its maker is told of it."""
        reply = await (await self.server()).post(
            "/api/v1/interviews", json={"question_count": 2, "seed": 1, **body}
        )
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    async def candidate_of(self, made: dict[str, Any]) -> Desk:
        client = await self.candidate(token_in(made["join_url"]))
        return Desk(client, f"/api/v1/interviews/{made['id']}")

    async def server_of(self, made: dict[str, Any]) -> Desk:
        return Desk(await self.server(), f"/api/v1/interviews/{made['id']}")

    async def interview(self, made: dict[str, Any]) -> Interview:
        return await self.store.interviews.get(UUID(made["id"]))


@dataclass
class Desk:
    """One caller at one interview."""

    client: httpx.AsyncClient
    place: str

    async def get(self, what: str = "", **options: Any) -> httpx.Response:
        return await self.client.get(self.place + what, **options)

    async def post(self, verb: str, key: str | None = None, **body: Any) -> httpx.Response:
        """Without fields there is no body at all, as most clients send a button."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.client.post(f"{self.place}/{verb}", json=body or None, headers=headers)

    async def status(self) -> dict[str, Any]:
        told: dict[str, Any] = (await self.get()).json()
        return told

    async def type_in(self) -> None:
        """Agrees and opens the interview for typing."""
        for verb, body in (("consent", CONSENT), ("join", {"purpose": "typing"})):
            reply = await self.post(verb, **body)
            assert reply.status_code == 200, reply.text

    async def shows(self, right: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The status, once it is as `right` wants it."""

        async def shown() -> dict[str, Any] | None:
            told = await self.status()
            return told if right(told) else None

        found = await eventually(shown)
        assert found is not None
        return found

    async def question(self, number: int) -> dict[str, Any]:
        """The present question, once it is that one and an answer is due."""
        told = await self.shows(
            lambda told: (
                told["current_question"]
                and told["current_question"]["number"] == number
                and not told["assessing"]
            )
        )
        question: dict[str, Any] = told["current_question"]
        return question

    async def reaches(self, status: str) -> dict[str, Any]:
        return await self.shows(lambda told: told["status"] == status)


def answer_to(question: dict[str, Any], text: str, **changes: Any) -> dict[str, Any]:
    named = {name: question[name] for name in ("question_id", "revision")}
    return {**named, "text": text, **changes}


def token_in(url: str) -> str:
    return url.rsplit("/", 1)[1]


def at_work(
    store: Store,
    bot: SilentBot,
    grader: Grader,
    scorer: Scores | None = None,
    rooms: LiveKitRooms | None = None,
) -> Activities:
    """What the workers of a service do."""
    over = activities_over(store, grader, Reporter(store, {}), scorer, rooms)
    return {**over, CONVERSATIONS: [bot.hold_conversation]}


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of `app` on a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if running.done():
                running.result()
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def running_service(
    store: Store,
    listener: Listener,
    temporal: Client,
    *,
    grader: Grader | None = None,
    queues: Collection[str] = KNOWN_QUEUES,
    make_bot: Callable[[Store, InterviewClient], SilentBot] = SilentBot,
    scorer: Scores | None = None,
    rooms: LiveKitRooms | None = None,
    **options: Any,
) -> AsyncIterator[Service]:
    """`options` go to `assemble`. The bank holds five questions of one topic."""
    organisation = await store.access.default_organisation()
    other = await store.access.add_organisation(new_id(), "Another")
    names = ("hash-maps", "indexes", "joins", "locks", "queues")
    await store.questions.load(map(a_question, names))
    interviews = InterviewClient(temporal)
    bot = make_bot(store, interviews)

    @asynccontextmanager
    async def open_parts(meters: Meters) -> AsyncIterator[Parts]:
        yield Parts(
            store=store,
            interviews=interviews,
            temporal=temporal,
            listener=listener,
            tokens=SignedTokens(TokenSigner(SECRET)),
            public_url="http://interviews.example",
            rooms=rooms,
            meters=meters,
        )

    app = assemble(open_parts, **options)
    pages.mount(app)
    work = at_work(store, bot, grader or WordGrader(), scorer, rooms)
    async with AsyncExitStack() as stack:
        here = {queue: work[queue] for queue in queues}
        await stack.enter_async_context(polling(temporal, here))
        url = await stack.enter_async_context(served(app))
        service = Service(url, app, app.state.parts, store, bot)
        await stack.enter_async_context(service.clients)
        await store.access.add_key(organisation.id, service.key, "tests")
        await store.access.add_key(other.id, service.other_key, "others")
        yield service
        await _end_all(temporal, store, organisation.id, other.id)


async def _end_all(temporal: Client, store: Store, *organisations: UUID) -> None:
    """The session's Temporal server shall not carry unfinished interviews along."""
    for organisation_id in organisations:
        for interview in await store.interviews.page(organisation_id, limit=100):
            with suppress(RPCError):
                await temporal.get_workflow_handle(workflow_id(interview.id)).terminate()
