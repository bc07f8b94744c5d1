"""One question to a language model behind any OpenAI-compatible address: bounded, in our errors.

Nothing that a provider says of a failure goes into an error: it may quote the request or the key.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import openai
from pydantic import BaseModel, Field, ValidationError
from uuid_utils.compat import uuid7

from contracts.errors import CodeVoiceError, TooMany, Unavailable, Ungradable
from contracts.usage import Purpose, Usage

#: A grade of 400 tokens takes a few seconds; three calls in a row fit into an activity's minute.
WITHIN_S: Final = 18.0
_CONNECT_WITHIN_S: Final = 5.0
#: A wait that a provider asks for is believed up to a day.
_LONGEST_WAIT_S: Final = 86_400.0
_NOT_PAID: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_ODD: Final = frozenset({400, 422})

#: `role` and `content`, as the protocol has them.
Message = dict[str, str]


class Said(NamedTuple):
    """`cut`: the tokens ran out before the end; `refused`: it would not answer."""

    text: str
    cut: bool
    refused: bool
    usage: Usage


class _Manner(NamedTuple):
    """What the host takes of the protocol, found out by its refusals."""

    schema: bool = True
    tokens: str = "max_tokens"
    temperature: bool = True


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


class Chat:
    """`ask` may be called from many tasks at once. It never retries: who calls it does."""

    def __init__(
        self, base_url: str, api_key: str, model: str, *, within_s: float = WITHIN_S
    ) -> None:
        self.model = model
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
        """`schema` is the protocol's `json_schema`; a host that refuses it is asked for JSON.

        Raises Unavailable and TooMany for what may pass, with the least wait where one is told,
        and Ungradable for what will not.
        """
        manner = self._manner
        while True:
            try:
                said = await self._say(messages, _options(manner, schema, most_tokens))
            except openai.APIStatusError as refusal:
                other = _other_manner(manner, refusal)
                if other is None:
                    raise _told(refusal) from None
                manner = other
            else:
                self._manner = manner
                return said

    async def close(self) -> None:
        await self._client.close()

    async def _say(self, messages: Sequence[Message], options: Mapping[str, Any]) -> Said:
        body = {"model": self.model, "messages": list(messages), **options}
        raw_chat: Any = self._client.chat.completions.with_raw_response
        try:
            # The client's own timeout begins anew with every byte.
            async with asyncio.timeout(self._within_s):
                raw = await raw_chat.create(**body)
        except (TimeoutError, openai.APITimeoutError):
            raise Unavailable("The language model does not answer in time") from None
        except openai.APIConnectionError:
            raise Unavailable("The language model cannot be reached") from None
        return self._said(raw.http_response.content)

    def _said(self, content: bytes) -> Said:
        try:
            completion = _Completion.model_validate_json(content)
        except ValidationError:
            raise Unavailable("What answers in the language model's place is no model") from None
        choice, counted = completion.choices[0], completion.usage or _Counted()
        return Said(
            text=choice.message.content or "",
            cut=choice.finish_reason == "length",
            refused=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
            usage=Usage(
                id=uuid7(),
                purpose=Purpose.GRADER,
                model=self.model,
                tokens_in=counted.prompt_tokens,
                tokens_out=counted.completion_tokens,
            ),
        )


def _options(manner: _Manner, schema: Mapping[str, Any], most_tokens: int) -> dict[str, Any]:
    strict = {"type": "json_schema", "json_schema": dict(schema)}
    options: dict[str, Any] = {
        manner.tokens: most_tokens,
        "response_format": strict if manner.schema else {"type": "json_object"},
    }
    return options | {"temperature": 0} if manner.temperature else options


def _other_manner(manner: _Manner, refusal: openai.APIStatusError) -> _Manner | None:
    """What to try after this refusal; None where nothing is left."""
    if refusal.status_code not in _ODD:
        return None
    named = refusal.param or ""
    if named == "max_tokens" and manner.tokens == "max_tokens":
        return manner._replace(tokens="max_completion_tokens")
    if named == "temperature" and manner.temperature:
        return manner._replace(temperature=False)
    return manner._replace(schema=False) if manner.schema else None


def _told(refusal: openai.APIStatusError) -> CodeVoiceError:
    status = refusal.status_code
    if status == 429 and _NOT_PAID & {refusal.code, refusal.type}:
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
