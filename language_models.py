"""One call to a language model behind any OpenAI-compatible address: bounded, in our errors.

Nothing that a provider says of a failure goes into an error: it may quote the request or the key.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar

import openai
from pydantic import BaseModel, Field, ValidationError
from uuid_utils.compat import uuid7

from contracts.errors import CodeVoiceError, TooMany, Unavailable, Ungradable
from contracts.language import Message, Said
from contracts.usage import Book, Purpose, Usage

#: A grade of 400 tokens takes a few seconds; three calls in a row fit into an activity's minute.
WITHIN_S: Final = 18.0
_CONNECT_WITHIN_S: Final = 5.0
#: A wait that a provider asks for is believed up to a day.
_LONGEST_WAIT_S: Final = 86_400.0
_NOT_PAID: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_ODD: Final = frozenset({400, 422})
_LATE: Final = "The language model does not answer in time"
_NO_MODEL: Final = "What answers in the language model's place is no model"

T = TypeVar("T")


class _Manner(NamedTuple):
    """What the host takes of the protocol, found out by its refusals."""

    schema: bool = True
    tokens: str = "max_tokens"
    temperature: bool = True
    counts_streams: bool = True


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Counted(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Counted | None = None


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _StreamedChoice(BaseModel):
    delta: _Delta = _Delta()


class _Chunk(BaseModel):
    choices: list[_StreamedChoice] = []
    usage: _Counted | None = None


class LanguageModel:
    """One model at one address (`contracts.language.AsksModels`). Sends nothing before it is asked.

    `within_s` bounds each call, from the request to the last byte.
    """

    def __init__(
        self, base_url: str, api_key: str, model: str, *, within_s: float = WITHIN_S
    ) -> None:
        self.model: Final = model
        self._within_s = within_s
        self._manner = _Manner()
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(within_s, connect=min(_CONNECT_WITHIN_S, within_s)),
        )

    async def ask(
        self, messages: Sequence[Message], schema: Mapping[str, Any], most_tokens: int
    ) -> Said:
        """A whole reply, as `contracts.language.AsksModels` says."""
        raw_chat: Any = self._client.chat.completions.with_raw_response
        async with _in_time(self._within_s):
            raw = await self._opened(
                lambda manner: raw_chat.create(
                    **self._body(messages, manner, most_tokens), **_format(manner, schema)
                )
            )
        return self._said(raw.http_response.content)

    async def stream(
        self, messages: Sequence[Message], most_tokens: int, purpose: Purpose, book: Book
    ) -> AsyncGenerator[str, None]:
        """A reply in pieces, as `contracts.language.AsksModels` says. Booked when it is over,
        with what the host has counted by then."""
        until = time.monotonic() + self._within_s
        counted = _Counted()

        async def opened(manner: _Manner) -> openai.AsyncStream[Any]:
            body = self._body(messages, manner, most_tokens) | {"stream": True}
            if manner.counts_streams:
                body["stream_options"] = {"include_usage": True}
            completions: Any = self._client.chat.completions
            stream: openai.AsyncStream[Any] = await completions.create(**body)
            return stream

        async with _in_time(self._within_s):
            stream = await self._opened(opened)
        try:
            while (chunk := await _next_chunk(stream, until)) is not None:
                counted = chunk.usage or counted
                for choice in chunk.choices[:1]:
                    if choice.delta.refusal:
                        raise Ungradable("The language model refuses to say this")
                    if choice.delta.content:
                        yield choice.delta.content
        finally:
            book(self._usage(purpose, counted))
            await stream.close()

    async def close(self) -> None:
        await self._client.close()

    async def _opened(self, call: Callable[[_Manner], Awaitable[T]]) -> T:
        """The call as the host takes it. Raises what our callers are told."""
        manner = self._manner
        while True:
            try:
                opened = await call(manner)
            except openai.APIStatusError as refusal:
                other = _other_manner(manner, refusal)
                if other is None:
                    raise _told(refusal) from None
                manner = other
            except openai.APITimeoutError:
                raise Unavailable(_LATE) from None
            except openai.APIConnectionError:
                raise Unavailable("The language model cannot be reached") from None
            else:
                self._manner = manner
                return opened

    def _body(
        self, messages: Sequence[Message], manner: _Manner, most_tokens: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            manner.tokens: most_tokens,
        }
        return body | {"temperature": 0} if manner.temperature else body

    def _said(self, content: bytes) -> Said:
        try:
            completion = _Completion.model_validate_json(content)
        except ValidationError:
            raise Unavailable(_NO_MODEL) from None
        choice = completion.choices[0]
        return Said(
            text=choice.message.content or "",
            cut=choice.finish_reason == "length",
            refused=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
            usage=self._usage(Purpose.GRADER, completion.usage or _Counted()),
        )

    def _usage(self, purpose: Purpose, counted: _Counted) -> Usage:
        return Usage(
            id=uuid7(),
            purpose=purpose,
            model=self.model,
            tokens_in=counted.prompt_tokens,
            tokens_out=counted.completion_tokens,
        )


@asynccontextmanager
async def _in_time(within_s: float) -> AsyncIterator[None]:
    """The client's own timeout begins anew with every byte."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError:
        raise Unavailable(_LATE) from None


async def _next_chunk(stream: openai.AsyncStream[Any], until: float) -> _Chunk | None:
    """None at the end. Raises Unavailable."""
    try:
        async with asyncio.timeout(until - time.monotonic()):
            return _Chunk.model_validate(await anext(stream), from_attributes=True)
    except StopAsyncIteration:
        return None
    except (TimeoutError, openai.APITimeoutError):
        raise Unavailable(_LATE) from None
    except openai.OpenAIError:
        raise Unavailable("The language model breaks off") from None
    except ValueError:  # of JSON, and of pydantic
        raise Unavailable(_NO_MODEL) from None


def _format(manner: _Manner, schema: Mapping[str, Any]) -> dict[str, Any]:
    strict = {"type": "json_schema", "json_schema": dict(schema)}
    return {"response_format": strict if manner.schema else {"type": "json_object"}}


def _other_manner(manner: _Manner, refusal: openai.APIStatusError) -> _Manner | None:
    """What to try after this refusal; None where nothing is left."""
    if refusal.status_code not in _ODD:
        return None
    named = refusal.param or ""
    if named == "max_tokens" and manner.tokens == "max_tokens":
        return manner._replace(tokens="max_completion_tokens")
    if named == "temperature" and manner.temperature:
        return manner._replace(temperature=False)
    if named.startswith("stream_options") and manner.counts_streams:
        return manner._replace(counts_streams=False)
    return manner._replace(schema=False) if manner.schema else None


def _told(refusal: openai.APIStatusError) -> CodeVoiceError:
    status = refusal.status_code
    # As text: hosts that imitate OpenAI send codes of any type.
    if status == 429 and _NOT_PAID & {str(refusal.code), str(refusal.type)}:
        return Ungradable("The language model's account has no quota left (429)")
    wait_s = _least_wait_s(refusal.response.headers)
    if status == 429:
        return TooMany("The language model is asked too often (429)", retry_after_s=wait_s)
    if status == 408 or status >= 500:
        return Unavailable(f"The language model fails ({status})", retry_after_s=wait_s)
    return Ungradable(f"The language model refuses the request ({status})")


def _least_wait_s(headers: Mapping[str, str]) -> float | None:
    """From `retry-after-ms` or `Retry-After`, which may be seconds or a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            asked_s = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        return _believed(asked_s)
    date = email.utils.parsedate_tz(headers.get("retry-after"))
    return _believed(email.utils.mktime_tz(date) - time.time()) if date else None


def _believed(asked_s: float) -> float | None:
    if math.isnan(asked_s) or asked_s <= 0:
        return None
    return min(asked_s, _LONGEST_WAIT_S)
