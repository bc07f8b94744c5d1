"""A candidate's browser without a page: opens the link, agrees, joins, looks at the status."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from contracts.errors import CodeVoiceError
from web.consent import current


class Refused(CodeVoiceError):
    """`http_status` is the reply's, `problem` the last word of its type ("" without one), `wait_s`
    what `Retry-After` says."""

    def __init__(self, detail: str, response: httpx.Response) -> None:
        super().__init__(detail)
        self.http_status = response.status_code
        self.problem = _problem(response)
        self.wait_s = float(response.headers.get("Retry-After", 0))


class Visitor:
    """Holds the candidate's cookie of one interview. Use `open`, then close it with `close`."""

    def __init__(self, http: httpx.AsyncClient, interview_id: str) -> None:
        self._http = http
        self.interview_id = interview_id

    @classmethod
    async def open(cls, join_url: str) -> Visitor:
        """Exchanges the link for its cookie, as a browser does."""
        origin = "/".join(join_url.split("/", 3)[:3])
        http = httpx.AsyncClient(
            base_url=origin, headers={"Origin": origin}, timeout=30, trust_env=False
        )
        landed = await http.get(join_url.removeprefix(origin), follow_redirects=False)
        if not landed.is_redirect:
            await http.aclose()
            raise Refused(f"the link was refused with HTTP {landed.status_code}", landed)
        return cls(http, landed.headers["location"].rstrip("/").rsplit("/", 1)[-1])

    async def close(self) -> None:
        await self._http.aclose()

    async def agree(self) -> None:
        await self.post("consent", {"text_version": current().version})

    async def join(self, offer_sdp: str) -> str:
        """The SDP answer to an SDP offer: what a SimulatedCandidate calls to connect."""
        answer = await self.post("join", {"sdp": offer_sdp, "type": "offer"})
        return str(answer["sdp"])

    async def enter(self) -> tuple[str, str]:
        """LiveKit's address and a token: what a RoomCandidate calls to connect."""
        told = await self.post("join", {"purpose": "interview"})
        return str(told["url"]), str(told["token"])

    async def status(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._call("GET", "")
        return found

    async def open_question(self) -> dict[str, Any] | None:
        """Where the next answer belongs, once the last one has been assessed; None at the end."""
        async with asyncio.timeout(15):
            while True:
                status = await self.status()
                question = status["current_question"]
                if question is None and status["progress"]["unasked"] == 0:
                    return None
                if question and not status["assessing"]:
                    return {name: question[name] for name in ("question_id", "revision")}
                await asyncio.sleep(0.02)

    async def answer_taken(self, within_s: float = 20.0) -> None:
        """Returns when the saved state counts an answer. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not (await self.status())["progress"]["answered"]:
                await asyncio.sleep(0.1)

    async def post(
        self, verb: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> dict[str, Any]:
        """Under a `key` it may be repeated, as the page does."""
        headers = {"Idempotency-Key": key} if key else {}
        made: dict[str, Any] = await self._call(
            "POST", f"/{verb}", json=body or {}, headers=headers
        )
        return made

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        """Raises Refused, and httpx.TransportError without a reply."""
        response = await self._http.request(
            method, f"/api/v1/interviews/{self.interview_id}{path}", **request
        )
        if response.is_error:
            raise Refused(f"HTTP {response.status_code} for {method} {path}", response)
        return response.json()


def _problem(response: httpx.Response) -> str:
    try:
        return str(response.json()["type"]).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    except (ValueError, KeyError, TypeError):
        return ""
