"""An account at Deepgram, what its refusals mean, and a look at whether it can be used."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, NamedTuple

from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from deepgram.core import ApiError
from deepgram.core.request_options import RequestOptions
from websockets.exceptions import ConnectionClosed

from contracts.errors import SettingError
from voice.breaker import Breaker, Lost, NamedBreaker, least_wait_s
from voice.engines import TTS_RATE_HZ

CHECKED_WITHIN_S: Final = 10.0
#: The SDK's own retries would make a candidate wait; the breaker decides when to ask again.
ONCE: Final[RequestOptions] = {"max_retries": 0, "timeout": CHECKED_WITHIN_S}
#: The request is wrong, the key is, or the account has no credit: no wait mends that.
_LASTING: Final = frozenset({400, 401, 402, 403, 404})
#: Where an interview has named the voice or the language, it is that which these refuse.
_OF_A_NAME: Final = frozenset({400, 403, 404})


def takes_terms(model: str) -> bool:
    """Key terms are known to Nova-3 models alone."""
    return model.startswith("nova-3")


class Account(NamedTuple):
    """`url` is a site, http(s)://host[:port]; the socket's address follows from it."""

    api_key: str
    url: str
    model: str
    voice: str

    @property
    def socket_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}"

    def client(self) -> AsyncDeepgramClient:
        environment = DeepgramClientEnvironment(
            base=self.url, production=self.socket_url, agent=self.socket_url, agent_rest=self.url
        )
        return AsyncDeepgramClient(api_key=self.api_key, environment=environment)


def blame(breaker: Breaker, failure: BaseException) -> None:
    """Tells the breaker, in words that hold neither a text nor a key."""
    status = failure.status_code if isinstance(failure, ApiError) else None
    if isinstance(breaker, NamedBreaker) and status in _OF_A_NAME:
        breaker.refused(why(failure))
        return
    breaker.failed(why(failure), lasting=status in _LASTING, wait_s=_wait_s(failure))


def why(failure: BaseException) -> str:
    match failure:
        case ApiError():
            return f"status {failure.status_code}"
        case ConnectionClosed():
            return f"closed with {failure.rcvd.code if failure.rcvd else 'no word'}"
        case Lost():
            return str(failure)
        case TimeoutError():
            return "no answer in time"
    return type(failure).__name__


def _wait_s(failure: BaseException) -> float | None:
    """What Retry-After asks for. The SDK hides that of a refused socket in the failure's cause."""
    if not isinstance(failure, ApiError):
        return None
    for headers in (failure.headers, getattr(failure.__context__, "headers", None)):
        if wait_s := least_wait_s(headers or {}):
            return wait_s
    return None


async def check(account: Account) -> None:
    """Speaks one word and opens one socket, within 10 s. Raises SettingError for what is wrong.

    That it is asked too often, or has a fault of its own, is no wrong setting: it will pass.
    """
    client = account.client()
    for setting, probe in (
        ("DEEPGRAM_VOICE", partial(_speak, client, account.voice)),
        ("DEEPGRAM_MODEL", partial(_listen, client, account.model)),
    ):
        try:
            async with asyncio.timeout(CHECKED_WITHIN_S / 2):
                await probe()
        except ApiError as failure:
            _refused(failure.status_code or 0, setting, account)
        except Exception as failure:
            raise SettingError(
                "DEEPGRAM_URL",
                f"no Deepgram answers at {account.url} ({why(failure)})",
                "Correct it, or let this machine reach it",
            ) from None


async def _speak(client: AsyncDeepgramClient, voice: str) -> None:
    spoken = client.speak.v1.audio.generate(
        text="Yes.",
        model=voice,
        encoding="linear16",
        container="none",
        sample_rate=TTS_RATE_HZ,
        request_options=ONCE,
    )
    async for _ in spoken:
        pass


async def _listen(client: AsyncDeepgramClient, model: str) -> None:
    async with client.listen.v1.connect(model=model) as socket:
        await socket.send_close_stream()


def _refused(status: int, setting: str, account: Account) -> None:
    problem, remedy = "Deepgram refuses the key", "Correct it: console.deepgram.com has the keys"
    match status:
        case 401:
            raise SettingError("DEEPGRAM_API_KEY", problem, remedy)
        case 402:
            problem = "the account has no credit left"
            raise SettingError("DEEPGRAM_API_KEY", problem, "Pay in, or remove the key")
        case 403:
            problem = f"the key may not use {setting}"
            raise SettingError("DEEPGRAM_API_KEY", problem, "Give the key that right")
        case 400 | 404:
            name = account.voice if setting == "DEEPGRAM_VOICE" else account.model
            problem = f"Deepgram knows no {name}"
            raise SettingError(setting, problem, "Take one of developers.deepgram.com/docs/models")
