"""A loopback server that speaks OpenAI's chat-completions protocol, with faults by script.

    async with OpenAIServer(Says("Hello.")) as server:
        server.script += [Fails(500), Hangs()]
        client = AsyncOpenAI(base_url=server.base_url, api_key=server.key)

A request takes the first act of the script; when there is none left, `otherwise`. Acts answer as
one JSON body or, where `stream` was asked for, as server-sent events with the usage chunk and
`[DONE]`. Stated delays make it a provider to measure against.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from aiohttp import web

KEY = "sk-of-the-tests-0123456789"
MODEL = "tests/model-1"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["messages"]
        return found

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    def last(self, role: str) -> str:
        """The content of the newest message of that role."""
        return str(next(m["content"] for m in reversed(self.messages) if m["role"] == role))


class Act(Protocol):
    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse: ...


Words = str | Callable[[Asked], str]


@dataclass(frozen=True)
class Says:
    """A whole reply. `words` may be made from the request. Of what is streamed, the first token
    comes after `first_token_s` and each further one `between_s` after the one before."""

    words: Words = "Hello."
    finish: str = "stop"
    refusal: str | None = None
    first_token_s: float = 0.0
    between_s: float = 0.0

    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        text = self.words if isinstance(self.words, str) else self.words(asked)
        if not asked.streams:
            await asyncio.sleep(self.first_token_s)
            return web.json_response(completion(asked, text, self.finish, self.refusal))
        return await _streamed(asked, request, self._chunks(asked, text))

    async def _chunks(self, asked: Asked, text: str) -> AsyncIterator[dict[str, Any]]:
        wait_s = self.first_token_s
        for number, token in enumerate(tokens_of(text)):
            await asyncio.sleep(wait_s)
            delta = {"content": token} if number else {"role": "assistant", "content": token}
            yield chunk(asked, delta)
            wait_s = self.between_s
        if self.refusal:
            yield chunk(asked, {"refusal": self.refusal})
        yield chunk(asked, {}, self.finish)
        if (asked.body.get("stream_options") or {}).get("include_usage"):
            yield {**chunk(asked, {}), "choices": [], "usage": usage(asked, text)}


@dataclass(frozen=True)
class Fails:
    """An error as OpenAI words it: `code` may be insufficient_quota, model_not_found, ... or, as at
    hosts that imitate it, anything at all."""

    status: int
    code: Any = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        return failure(self.status, self.code, self.param, self.headers)


@dataclass(frozen=True)
class Hangs:
    """Takes the request and says nothing, or nothing more after `after_tokens`."""

    after_tokens: int = 0
    words: str = "This sentence never comes to its end."

    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        async def chunks() -> AsyncIterator[dict[str, Any]]:
            for token in tokens_of(self.words)[: self.after_tokens]:
                yield chunk(asked, {"content": token})
            await _for_ever()

        if asked.streams:
            return await _streamed(asked, request, chunks())
        await _for_ever()
        return web.Response()


@dataclass(frozen=True)
class Cuts:
    """Breaks the connection in the middle of its reply: after `after_tokens` where it streams."""

    after_tokens: int = 2
    words: str = "This sentence never comes to its end."

    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        text = json.dumps(completion(asked, self.words))
        tokens = tokens_of(self.words)[: self.after_tokens]
        events = "".join(event(chunk(asked, {"content": token})) for token in tokens)
        sent = events if asked.streams else text[: len(text) // 2]
        response = _begun(asked, len(text) + len(events))
        await response.prepare(request)
        await response.write(sent.encode())
        assert request.transport
        request.transport.abort()
        return response


@dataclass(frozen=True)
class Drips:
    """A whole reply, byte after byte, slower than anybody waits for."""

    words: str = "This sentence comes to its end in an hour."
    every_s: float = 0.02

    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        text = json.dumps(completion(asked, self.words))
        body = (event(chunk(asked, {"content": self.words})) if asked.streams else text).encode()
        response = _begun(asked, len(body))
        await response.prepare(request)
        for at in range(len(body)):
            await response.write(body[at : at + 1])
            await asyncio.sleep(self.every_s)
        return response


@dataclass(frozen=True)
class Sends:
    """Any body at all: a proxy's page, half a JSON text, nothing."""

    body: str = "<html><body>Welcome to our proxy</body></html>"
    content_type: str = "text/html"
    status: int = 200

    async def play(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        return web.Response(text=self.body, content_type=self.content_type, status=self.status)


class OpenAIServer:
    """One model behind one key. `asked` is every request that came with that key."""

    def __init__(self, otherwise: Act | None = None, *, model: str = MODEL, key: str = KEY) -> None:
        self.model, self.key = model, key
        self.script: deque[Act] = deque()
        self.otherwise: Act = otherwise or Says()
        self.asked: list[Asked] = []
        self.refuses_schema = False
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        assert self._runner
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        assert self._runner
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return failure(401, "invalid_api_key")
        asked = Asked(await request.json(), request.headers)
        self.asked.append(asked)
        if asked.body["model"] != self.model:
            return failure(404, "model_not_found")
        format_ = (asked.body.get("response_format") or {}).get("type")
        if self.refuses_schema and format_ == "json_schema":
            return failure(400, None, "response_format")
        act = self.script.popleft() if self.script else self.otherwise
        return await act.play(asked, request)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        listed = {"id": self.model, "object": "model", "created": 0, "owned_by": "tests"}
        return web.json_response({"object": "list", "data": [listed]})


# ---------------------------------------------------------------------------- the wire's shapes


def tokens_of(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def usage(asked: Asked, text: str) -> dict[str, int]:
    """A token for each word, sent and said."""
    sent = sum(len(str(message.get("content")).split()) for message in asked.messages)
    said = len(text.split())
    return {"prompt_tokens": sent, "completion_tokens": said, "total_tokens": sent + said}


def completion(
    asked: Asked, text: str, finish: str = "stop", refusal: str | None = None
) -> dict[str, Any]:
    message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {
        "id": "chatcmpl-tests",
        "object": "chat.completion",
        "created": 0,
        "model": asked.body["model"],
        "choices": [choice],
        "usage": usage(asked, text),
    }


def chunk(asked: Asked, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-tests",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": asked.body["model"],
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def failure(
    status: int,
    code: Any,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    error = {"message": f"tests say {code or status}", "type": code, "code": code, "param": param}
    return web.json_response({"error": error}, status=status, headers=headers)


async def _for_ever() -> None:
    """Until the client hangs up or the server closes, which cancels the handler."""
    await asyncio.Event().wait()


def _begun(asked: Asked, length: int) -> web.StreamResponse:
    if asked.streams:
        return web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    headers = {"Content-Type": "application/json", "Content-Length": str(length)}
    return web.StreamResponse(headers=headers)


async def _streamed(
    asked: Asked, request: web.Request, chunks: AsyncIterator[dict[str, Any]]
) -> web.StreamResponse:
    response = _begun(asked, 0)
    await response.prepare(request)
    async for each in chunks:
        await response.write(event(each).encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response
