"""A typed interview from its start to its report, by someone who does not give up.

Two questions, a skip, a way back, an answer with its follow-up, a pause and a return, one more
answer, and the end by hand. A call without a clear reply is sent again under its key, as the page
does. What was refused for good is kept: nobody has done anything wrong here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import httpx

from bench.chaos.evidence import ANSWERS, Told, digest
from bench.chaos.ledger import UNNAMED, Ledger
from bench.respondent import Respondent
from bench.visitor import Refused, Visitor
from web.consent import current

T = TypeVar("T")

#: One of each kind: their follow-ups are asked when a point is left out.
QUESTIONS: Final = ("hash-table-lookup", "stack-and-queue")
#: Longer than anything the product promises to recover from.
PATIENCE_S: Final = 90.0
_PAUSE_S: Final = 0.1
OVER: Final = frozenset({"grading", "completed", "cancelled", "expired", "declined", "failed"})


@dataclass
class Held:
    """What came of it. `refusals` are calls that were refused for good, as "verb: HTTP status"."""

    interview_id: UUID = UNNAMED
    status: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] | None = None
    refusals: list[str] = field(default_factory=list)
    completed_at: datetime | None = None


class Candidate:
    """`canary` is a word of every answer that may stand in the database alone. `thinks_s` is asked
    before each call how long to wait.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        ledger: Ledger,
        canary: str,
        thinks_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._staff = httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=20,
            trust_env=False,
        )
        self._ledger, self._canary, self._thinks_s = ledger, canary, thinks_s
        self._respondent = Respondent()
        self._visitor: Visitor | None = None
        self._version = 0
        self.held = Held()

    async def close(self) -> None:
        await self._staff.aclose()
        if self._visitor is not None:
            await self._visitor.close()

    async def hold(self) -> Held:
        """The whole interview. Raises TimeoutError when one step takes longer than PATIENCE_S."""
        await self._arrive({"questions": list(QUESTIONS)})
        await self._write("join", {"purpose": "typing"})
        await self._move("skip")
        await self._move("back")
        await self._answer()
        if (await self._place() or {}).get("is_follow_up"):
            await self._answer()
        await self._move("pause")
        await self._move("resume")
        await self._write("join", {"purpose": "typing"})
        await self._answer()
        await self._finish()
        await self._see_report()
        return self.held

    # -- steps

    async def _arrive(self, asked: dict[str, Any]) -> str:
        """The interview is made and agreed to. Returns its link."""
        made = await self._start(asked)
        self.held.interview_id = UUID(made["id"])
        self._ledger.name(self.held.interview_id)
        link = str(made["join_url"])
        self._visitor = await self._until(lambda: Visitor.open(link))
        await self._write("consent", {"text_version": current().version})
        return link

    async def _start(self, asked: dict[str, Any]) -> dict[str, Any]:
        body = {
            **asked,
            "candidate": {"name": self._canary, "email": f"{uuid4().hex}@{self._canary}.example"},
        }

        async def send(key: str) -> dict[str, Any]:
            headers = {"Idempotency-Key": key}
            reply = await self._staff.post("/interviews", json=body, headers=headers)
            if reply.is_error:
                raise Refused(f"HTTP {reply.status_code}", reply)
            made: dict[str, Any] = reply.json()
            return made

        made = await self._call("start", send)
        if made is None:
            raise RuntimeError(f"no interview could be started: {self.held.refusals}")
        return made

    async def _answer(self) -> None:
        place = await self._place()
        if place is None:
            return
        text = f"{self._respondent.answer(place['text'])} {self._canary}"
        answer_id = uuid4()
        where = {name: place[name] for name in ("question_id", "revision")}
        await self._write(
            ANSWERS,
            {**where, "text": text, "turn_id": str(answer_id)},
            answer_id=answer_id,
            question_id=UUID(place["question_id"]),
            revision=int(place["revision"]),
            sha256=digest(text),
        )

    async def _finish(self) -> None:
        """Said again once everything is over it is refused, which nobody minds."""
        await self._place()
        refused = len(self.held.refusals)
        await self._write("finish")
        if len(self.held.refusals) > refused:
            status = await self._look(lambda status: True)
            if status["status"] in OVER:
                self.held.refusals.pop()

    async def _move(self, verb: str) -> None:
        """Names the question believed to be current: a repeat is then known for one."""
        status = await self._look(lambda status: not status["assessing"])
        body = {"question_id": status["question_id"]} if status["question_id"] else {}
        await self._write(verb, body)

    async def _place(self) -> dict[str, Any] | None:
        """The present prompt; None when nothing more is asked."""

        def known(status: dict[str, Any]) -> bool:
            asked = status["current_question"] is not None and not status["assessing"]
            return asked or status["status"] in OVER

        place: dict[str, Any] | None = (await self._look(known))["current_question"]
        return place

    async def _see_report(self) -> None:
        status = await self._look(lambda status: status["status"] in OVER - {"grading"})
        self.held.completed_at = datetime.now(UTC)
        await self._look(lambda status: not status["live"])  # the bot's leaving is its last state
        self.held.status = await self._until(lambda: self._read(""))
        if status["report_version"]:
            self.held.report = await self._until(lambda: self._read("/report.json"))

    # -- calls

    async def _write(self, verb: str, body: dict[str, Any] | None = None, **about: Any) -> None:
        visitor = self._visitor
        if visitor is None:
            raise RuntimeError("nobody has come yet")
        await asyncio.sleep(self._thinks_s())
        reply = await self._call(verb, lambda key: visitor.post(verb, body, key=key), **about)
        if reply is not None:
            self._version = max(self._version, reply.get("state_version", 0))

    async def _call(
        self, verb: str, send: Callable[[str], Awaitable[dict[str, Any]]], **about: Any
    ) -> dict[str, Any] | None:
        """None: refused for good. A repeat under the key follows whatever says nothing."""
        key, number, give_up_at = str(uuid4()), 0, time.monotonic() + PATIENCE_S
        while True:
            number += 1
            begun = self._ledger.invoke(self.held.interview_id, verb, key, number, **about)
            try:
                reply = await send(key)
            except httpx.TransportError:
                self._ledger.ended(begun, Told.UNKNOWN)
                wait_s = _PAUSE_S
            except Refused as refusal:
                told, wait_s = meaning(refusal)
                self._ledger.ended(begun, told)
                if not wait_s:
                    self.held.refusals.append(f"{verb}: HTTP {refusal.http_status}")
                    return None
            else:
                self._ledger.ended(begun, Told.OK)
                return reply
            if time.monotonic() > give_up_at:
                raise TimeoutError(verb)
            await asyncio.sleep(wait_s)

    async def _look(self, shows: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The status, once it is as new as the last reply and shows what is looked for."""
        visitor = self._visitor
        if visitor is None:
            raise RuntimeError("nobody has come yet")
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            status = await self._until(visitor.status)
            if status["state_version"] >= self._version and shows(status):
                return status
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the interview stays {status['status']}")
            await asyncio.sleep(0.03)

    async def _read(self, path: str) -> dict[str, Any]:
        reply = await self._staff.get(f"/interviews/{self.held.interview_id}{path}")
        if reply.is_error:
            raise Refused(f"HTTP {reply.status_code}", reply)
        found: dict[str, Any] = reply.json()
        return found

    async def _until(self, read: Callable[[], Awaitable[T]]) -> T:
        """Reads are repeated until one succeeds."""
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await read()
            except (httpx.TransportError, Refused):
                if time.monotonic() > give_up_at:
                    raise TimeoutError("no reply") from None
            await asyncio.sleep(_PAUSE_S)


def meaning(refusal: Refused) -> tuple[Told, float]:
    """How it counts, and the seconds until it is tried again (0: never).

    "Wait" without effect (429), and "try again" of which nothing is known: a failure of the
    service, or a twin under the same key that is still running.
    """
    if refusal.http_status == 429:
        return Told.FAIL, max(_PAUSE_S, refusal.wait_s)
    if refusal.http_status >= 500:
        return Told.UNKNOWN, _PAUSE_S
    if refusal.http_status == 409 and refusal.wait_s:
        return Told.UNKNOWN, min(refusal.wait_s, 0.5)
    return Told.FAIL, 0.0
