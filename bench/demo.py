"""`codevoice demo`: a whole interview with nobody present, over real WebRTC.

With `kill` a second conversations worker stands by, and the one that holds the conversation is
killed (-9) in the middle of an answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from bench.interviewee import Interviewee, interviewee
from bench.respondent import Respondent
from bench.voices import RATE_HZ, ShiftedHeart
from contracts.errors import CodeVoiceError, SettingError, Unavailable
from contracts.interview import InterviewStatus
from local.product import Product
from local.run import new_interview, started
from local.spare import extra_worker, holder_of
from settings import load

_REPORT_WITHIN_S: Final = 60.0


async def hold_demo(
    talk: Console, out: Console, *, kill: bool, question_count: int, livekit: bool = False
) -> None:
    """Prints the conversation as it happens, then the scores and the report's path.

    Speaks with the product that runs here, and starts it where none does. Raises CodeVoiceError
    when the interview does not end in a report.
    """
    async with _product(talk, livekit) as product, extra_worker(wanted=kill) as spare:
        if spare:
            talk.print(f"a second conversations worker stands by (pid {spare})", highlight=False)
        made = await new_interview(product, question_count=question_count, seed=7)
        try:
            await Demo(talk, kill=kill).hold(made)
        except TimeoutError:
            stands = (await _status(product, made["id"]))["status"]
            raise Unavailable(f"the interview does not go on; it is {stands}") from None
        report = await _report(product, made["id"])
        _print_scores(out, report)
        out.print(f"report: {await _save(product, made['id'])}", soft_wrap=True, highlight=False)
        out.print(f"        {made['report_url']}", soft_wrap=True, highlight=False)


@asynccontextmanager
async def _product(talk: Console, livekit: bool) -> AsyncIterator[Product]:
    try:
        running = Product.running()
        running.call("GET", "/questions")
    except (SettingError, Unavailable):
        async with started(load(), talk, livekit=livekit) as stack:
            yield Product(stack.url, stack.api_key)
    else:
        talk.print(f"speaking with the product at {running.url}", highlight=False)
        yield running


class Demo:
    """One candidate in one interview."""

    def __init__(self, talk: Console, *, kill: bool) -> None:
        self._talk = talk
        self._kill = kill
        self._began = time.monotonic()
        self._respondent = Respondent()
        self._printed: dict[str, str] = {}

    async def hold(self, made: dict[str, str]) -> None:
        """From the link to the farewell."""
        async with interviewee(made["join_url"], ShiftedHeart(), self._hear) as person:
            while (prompt := await person.next_prompt()) is not None:
                text = self._respondent.answer(prompt)
                if self._kill:
                    self._kill = False
                    await self._say_and_kill(person, text)
                else:
                    await person.candidate.say(text)

    async def _say_and_kill(self, person: Interviewee, text: str) -> None:
        """Says half of an answer while its listener is killed, then, on return, the other half."""
        words = text.split()
        first, second = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
        person.candidate.rehearse(second)
        samples = person.candidate.rehearse(first)
        speaking = asyncio.create_task(person.candidate.say(samples))
        await asyncio.sleep(0.9 * len(samples) / RATE_HZ)
        pid = await holder_of(person.visitor.interview_id)
        os.kill(pid, signal.SIGKILL)
        killed_at = time.monotonic()
        self._note(f"killed the conversations worker (pid {pid}, SIGKILL) in mid-answer")
        await speaking
        heard_at = await person.voice_again(killed_at + 0.3)
        self._note(f"the interviewer speaks again {heard_at - killed_at:.1f} s after the kill")
        await person.candidate.listen(after=killed_at + 0.3)
        person.stay()
        await person.candidate.say(second)

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("type") != "caption" or not message.get("final"):
            return
        turn, text = message["turn_id"], message["text"]
        if self._printed.get(turn) != text:
            self._printed[turn] = text
            self._line(message["who"], text)

    def _line(self, who: str, text: str) -> None:
        style = "cyan" if who == "interviewer" else "green"
        seconds = time.monotonic() - self._began
        self._talk.print(
            f"[dim]{seconds:6.1f}[/]  [{style}]{who:12}[/]{escape(text)}", highlight=False
        )

    def _note(self, text: str) -> None:
        self._talk.print(f"[dim]{time.monotonic() - self._began:6.1f}[/]  [red]{escape(text)}[/]")


async def _status(product: Product, interview_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await asyncio.to_thread(
        product.call, "GET", f"/interviews/{interview_id}"
    )
    return found


async def _report(product: Product, interview_id: str) -> dict[str, Any]:
    """The finished report; it is ready within seconds of the last word.

    Raises CodeVoiceError for an interview that ended without one.
    """
    deadline = time.monotonic() + _REPORT_WITHIN_S
    while (status := await _status(product, interview_id))["status"] != InterviewStatus.COMPLETED:
        if InterviewStatus(status["status"]).ended:
            raise CodeVoiceError(f"the interview ended without a report: it is {status['status']}")
        if time.monotonic() > deadline:
            raise Unavailable(
                f"no report after {_REPORT_WITHIN_S:.0f} s; the interview is {status['status']}"
            )
        await asyncio.sleep(0.2)
    found: dict[str, Any] = await asyncio.to_thread(
        product.call, "GET", f"/interviews/{interview_id}/report.json"
    )
    return found


def _print_scores(out: Console, report: dict[str, Any]) -> None:
    out.print(
        f"score: {_points(report['total']['score'])} of 10 (embedded grader: indicative)",
        highlight=False,
    )
    for question in report["questions"]:
        out.print(f"  {_points(question['score']):>9}  {question['prompt']}", highlight=False)


def _points(score: float | None) -> str:
    return "ungraded" if score is None else f"{score:.1f}"


async def _save(product: Product, interview_id: str) -> Path:
    """The report as PDF, beside the product's data."""
    path = load().data_dir / "reports" / f"{interview_id}.pdf"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    response = await asyncio.to_thread(product.http.get, f"/interviews/{interview_id}/report.pdf")
    response.raise_for_status()
    path.write_bytes(response.content)
    return path
