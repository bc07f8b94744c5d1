"""A typed interview over the product's own API, whose processes can be killed: for the judge.

Service and worker stand in this process, each with a store and a client of its own, with a seeded
bug in them or without. Who is killed sends no statement any more and loses its memory; the next one
begins without it. The candidate keeps a ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import event
from temporalio.client import Client
from temporalio.service import RPCError

from activities.grading import Grader
from api.app import assemble
from api.links import SignedTokens
from api.observed import Meters
from api.parts import Parts
from bench.chaos.bugs import SOUND, Bug
from bench.chaos.evidence import ANSWERS, Entry, Evidence, Fault, Told, digest
from connections import TokenSigner
from contracts.interview import Join
from db.database import make_engine
from db.events import Listener
from db.ids import new_id
from db.store import Store
from tests.builders import a_question
from tests.integration.test_api.service import SECRET, SilentBot, WordGrader, at_work, served
from tests.waiting import eventually
from tests.workers import polling
from web.consent import current
from workflows.interview_client import InterviewClient, workflow_id
from workflows.interview_session import InterviewSession

KEY = "cv_trial_0123456789"
CANARY = "quokkatrice"


class Process:
    """What one process of the product works with. `loses` is how a statement begins: the reply to
    the next such never comes, though it is done, and with it the process is dead."""

    def __init__(self, url: str, temporal: Client, bug: Bug) -> None:
        self.engine = make_engine(url)
        self.store = bug.store(self.engine)
        self.temporal = bug.infected(temporal)
        self.interviews = InterviewClient(self.temporal)
        self.loses: str | None = None
        self.died = asyncio.Event()
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._before)
        event.listen(self.engine.sync_engine, "after_cursor_execute", self._after)

    def kill(self) -> None:
        self.died.set()

    def _before(self, *_: Any) -> None:
        if self.died.is_set():
            raise ConnectionError("the process is dead")

    def _after(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        if self.loses and self.loses in statement:
            self.died.set()
            raise ConnectionError("the process is dead")


@dataclass
class Trial:
    """`api` and `worker` are the processes that run now; `made` is the start's reply."""

    url: str
    temporal: Client
    bug: Bug
    judge: Store
    api: Process = field(init=False)
    worker: Process = field(init=False)
    http: httpx.AsyncClient = field(init=False)
    ledger: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    interviews: list[UUID] = field(default_factory=list)
    bot: type[SilentBot] = SilentBot
    grader: Grader = field(default_factory=WordGrader)
    workflow: type = InterviewSession
    _version: int = 0
    _api_stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _worker_stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    # -- the processes

    async def begin(self) -> None:
        await self.bug.prepare(self.judge)
        organisation = await self.judge.access.default_organisation()
        await self.judge.questions.load(map(a_question, ("hash-maps", "indexes", "joins")))
        await self.judge.access.add_key(organisation.id, KEY, "trial")
        await self.start_api()
        await self.start_worker()

    async def start_api(self) -> None:
        self.api = Process(self.url, self.temporal, self.bug)
        api = self.api
        listener = await self._api_stack.enter_async_context(Listener(self.url))

        @asynccontextmanager
        async def open_parts(meters: Meters) -> AsyncIterator[Parts]:
            yield Parts(
                store=api.store,
                interviews=api.interviews,
                temporal=api.temporal,
                listener=listener,
                tokens=SignedTokens(TokenSigner(SECRET)),
                public_url="http://interviews.example",
                meters=meters,
            )

        address = await self._api_stack.enter_async_context(served(assemble(open_parts)))
        headers = {"Authorization": f"Bearer {KEY}"}
        self.http = await self._api_stack.enter_async_context(
            httpx.AsyncClient(base_url=f"{address}/api/v1", headers=headers, timeout=30)
        )

    async def start_worker(self) -> None:
        self.worker = Process(self.url, self.temporal, self.bug)
        bot = self.bot(self.worker.store, self.worker.interviews)
        activities = at_work(self.worker.store, bot, self.grader)
        await self._worker_stack.enter_async_context(
            polling(self.worker.temporal, activities, workflow=self.workflow)
        )

    async def kill_api(self) -> None:
        began = datetime.now(UTC)
        self.api.kill()
        await self._stop(self._api_stack, self.api)
        await self.start_api()
        self.faults.append(Fault("kill", "api", began, datetime.now(UTC)))

    async def kill_worker(self) -> None:
        began = datetime.now(UTC)
        self.worker.kill()
        await self._stop(self._worker_stack, self.worker)
        await self.start_worker()
        self.faults.append(Fault("kill", "worker", began, datetime.now(UTC)))

    async def end(self) -> None:
        for interview_id in self.interviews:
            with suppress(RPCError):
                await self.temporal.get_workflow_handle(workflow_id(interview_id)).terminate()
        await self._stop(self._api_stack, self.api)
        await self._stop(self._worker_stack, self.worker)

    async def _stop(self, stack: AsyncExitStack, process: Process) -> None:
        await stack.aclose()
        await process.store.close()

    # -- the candidate

    async def start(self, questions: int) -> UUID:
        """Sent again under its key until there is a reply, as everything here is."""
        body = {
            "question_count": questions,
            "seed": 1,
            "candidate": {"email": f"{uuid4().hex}@{CANARY}.example"},
        }
        headers = {"Idempotency-Key": uuid4().hex}
        while True:
            with suppress(httpx.TransportError):
                reply = await self.http.post("/interviews", json=body, headers=headers)
                if reply.status_code == 201:
                    self.interviews.append(UUID(reply.json()["id"]))
                    return self.interviews[-1]
            if self.api.died.is_set():
                await self.kill_api()

    @property
    def interview_id(self) -> UUID:
        return self.interviews[-1]

    async def open(self, questions: int = 2) -> None:
        await self.start(questions)
        await self.call("consent", {"text_version": current().version})
        await self.call("join", {"purpose": "typing"})

    async def call(self, verb: str, body: dict[str, Any] | None = None, **known: Any) -> None:
        """Until its outcome is known."""
        while True:
            began, outcome = datetime.now(UTC), Told.UNKNOWN
            with suppress(httpx.TransportError):
                reply = await self.http.post(f"/interviews/{self.interview_id}/{verb}", json=body)
                outcome = Told.OK if reply.is_success else Told.FAIL
                if reply.is_success:
                    self._version = reply.json().get("state_version", self._version)
                outcome = Told.UNKNOWN if reply.is_server_error else outcome
            self.ledger.append(
                Entry(self.interview_id, verb, outcome, began, datetime.now(UTC), **known)
            )
            if outcome is not Told.UNKNOWN:
                assert outcome is Told.OK, reply.text
                return
            if self.api.died.is_set():
                await self.kill_api()

    async def answer(self, text: str) -> dict[str, Any]:
        """To the question that stands there, once it does. What was sent may be sent again."""
        question = await self.question()
        body = {name: question[name] for name in ("question_id", "revision")}
        body |= {"text": f"{text} {CANARY}", "turn_id": str(new_id())}
        await self.send(body)
        return body

    async def send(self, body: dict[str, Any]) -> None:
        await self.call(
            ANSWERS,
            body,
            answer_id=UUID(body["turn_id"]),
            question_id=UUID(body["question_id"]),
            revision=body["revision"],
            sha256=digest(body["text"]),
        )

    async def finish(self) -> None:
        """Answers all there is to answer, well, and waits for the report."""
        while (await self.awaited()) is not None:
            await self.answer("bucket and collision are all there is.")
        await self.reaches("completed")

    async def question(self) -> dict[str, Any]:
        found: dict[str, Any] | None = await self.awaited()
        assert found is not None, "nothing is asked any more"
        return found

    async def awaited(self) -> Any:
        """The present question, once the last answer was looked at; None at the end."""

        async def known() -> Any:
            told = await self.status()
            fresh = told["state_version"] >= self._version and not told["assessing"]
            question = told["current_question"]
            over = told["status"] in ("grading", "completed")
            shown = over if question is None else await self._kept(question)
            return [question] if fresh and shown else None

        (question,) = await eventually(known)
        return question

    async def _kept(self, question: dict[str, Any]) -> bool:
        """Written down as well: nobody reads faster than that."""
        turns = await self.judge.turns.of_interview(self.interview_id)
        return any(str(turn.question_id) == question["question_id"] for turn in turns)

    async def join_by_voice(self) -> None:
        offer_id = new_id()
        await self.judge.offers.put(offer_id, self.interview_id, "v=0")
        await self.api.interviews.join(self.interview_id, Join(offer_id=offer_id))

    async def status(self) -> dict[str, Any]:
        told: dict[str, Any] = (await self.http.get(f"/interviews/{self.interview_id}")).json()
        return told

    async def reaches(self, status: str, within_s: float = 30) -> None:
        async def reached() -> bool:
            return bool((await self.status())["status"] == status)

        await eventually(reached, within_s=within_s)

    # -- what is left

    async def evidence(self, **changes: Any) -> Evidence:
        statuses = {self.interview_id: await self.status()}
        report = await self.http.get(f"/interviews/{self.interview_id}/report.json")
        fields: dict[str, Any] = {
            "store": self.judge,
            "temporal": self.temporal,
            "interviews": tuple(self.interviews),
            "ledger": tuple(self.ledger),
            "statuses": statuses,
            "reports": {self.interview_id: report.json()} if report.is_success else {},
            "faults": tuple(self.faults),
            "canaries": (CANARY,),
        }
        return Evidence(**{**fields, **changes})


@asynccontextmanager
async def trial_of(
    url: str, temporal: Client, judge: Store, bug: Bug = SOUND, **options: Any
) -> AsyncIterator[Trial]:
    trial = Trial(url, temporal, bug, judge, **options)
    await trial.begin()
    try:
        yield trial
    finally:
        await trial.end()
