"""A server that speaks OpenAI's audio protocol, and what its failures mean."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

import openai

from voice.breaker import Breaker, Lost, least_wait_s

#: Within this a server answers its TCP handshake, or is away.
CONNECTED_WITHIN_S: Final = 1.0
#: Who asks bounds each call as a whole; this is for a call that nobody waits for any more.
_LONGEST_CALL_S: Final = 20.0
#: The key is refused, or may not, or nobody pays, or there is no such model: no wait mends that.
#: A 400 may be one odd stretch of speech.
_LASTING: Final = frozenset({401, 402, 403, 404})
NOT_PAID: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class Server(NamedTuple):
    """`base_url` ends as OpenAI's does, in `/v1`. Without `hears_with` it does not hear, without
    `speaks_with` and `voice` it does not speak. The names are models'."""

    base_url: str
    api_key: str | None
    hears_with: str | None
    speaks_with: str | None
    voice: str | None

    @property
    def host(self) -> str:
        """What people call it."""
        return urlsplit(self.base_url).netloc

    def client(self) -> openai.AsyncOpenAI:
        """Tries once: the breaker decides when to ask again."""
        return openai.AsyncOpenAI(
            api_key=self.api_key or "none",
            base_url=self.base_url,
            max_retries=0,
            timeout=openai.Timeout(_LONGEST_CALL_S, connect=CONNECTED_WITHIN_S),
        )


def blame(breaker: Breaker, failure: BaseException) -> None:
    """Tells the breaker, in words that hold neither a text nor a key."""
    status = failure.status_code if isinstance(failure, openai.APIStatusError) else None
    headers = failure.response.headers if isinstance(failure, openai.APIStatusError) else {}
    lasting = status in _LASTING or unpaid(failure)
    breaker.failed(why(failure), lasting=lasting, wait_s=least_wait_s(headers))


def unpaid(failure: BaseException) -> bool:
    if not isinstance(failure, openai.APIStatusError):
        return False
    codes = {str(failure.code), str(failure.type)}  # a server sends what it likes
    return failure.status_code == 402 or bool(NOT_PAID & codes)


def why(failure: BaseException) -> str:
    match failure:
        case openai.APIStatusError():
            return f"status {failure.status_code}"
        case Lost():
            return str(failure)
        case TimeoutError() | openai.APITimeoutError():
            return "no answer in time"
        case openai.APIConnectionError():
            return "cannot be reached"
    return type(failure).__name__
