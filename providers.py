"""Whether the providers that are set will serve us, asked once, when a process starts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import openai
from openai.types.chat import ChatCompletion

import connections
from contracts.errors import SettingError, Unavailable

if TYPE_CHECKING:
    from connections import LanguageModel
    from settings import Settings
    from voice.provider import Provider
    from voice.speech import Voice

#: A server that is starting beside us answers within this.
_WITHIN_S: Final = 10.0
_CONNECT_WITHIN_S: Final = 4.0
_UNKNOWN_MODEL: Final = frozenset({"model_not_found", "model"})
_log = logging.getLogger("codevoice.providers")


async def reach_speech(settings: Settings) -> Callable[[Voice], Provider] | None:
    """What goes ahead of the embedded voice it is made with; None where nothing is set.

    Takes 10 s at most. Raises SettingError for what will not pass by itself.
    """
    if account := connections.deepgram(settings):
        from voice import deepgram

        await deepgram.check(deepgram.Account(*account))
        return partial(deepgram.Deepgram, deepgram.Account(*account))
    if server := connections.speech_server(settings):
        from voice import openai as speech

        try:
            await speech.check(speech.Server(*server))
        except Unavailable as failure:
            _log.error("speech is embedded until its server is back: %s", failure.detail)
        return partial(speech.OpenAISpeech, speech.Server(*server))
    return None


class Unreached(SettingError):
    """No language model answers at its address: that is wrong, or its host is away."""


async def reach_language_model(settings: Settings) -> LanguageModel | None:
    """The model, once it has said one token: any compatible host can be asked for that, and only
    that tells whether key, model and account are good. None where none is set.

    Takes 10 s at most. Raises SettingError for what will not pass by itself, Unreached among it,
    and Unavailable where a host answers and is in trouble.
    """
    model = connections.language_model(settings)
    if model is None:
        return None
    timeout = openai.Timeout(_WITHIN_S, connect=_CONNECT_WITHIN_S)
    client = openai.AsyncOpenAI(
        api_key=model.api_key, base_url=model.base_url, max_retries=0, timeout=timeout
    )
    reached = True
    try:
        async with client, asyncio.timeout(_WITHIN_S):
            while True:
                try:
                    return await _one_token(client, model)
                except openai.APIStatusError as refusal:
                    raise _refused(settings, model, refusal) from None
                except openai.APIConnectionError:
                    reached = False
                await asyncio.sleep(0.5)
    except TimeoutError:
        if reached:
            raise Unavailable(f"{model.host} does not answer in time") from None
        raise _no_model(model, f"{model.host} cannot be reached") from None


async def _one_token(client: openai.AsyncOpenAI, model: LanguageModel) -> LanguageModel:
    try:
        said: object = await client.chat.completions.create(
            model=model.model, messages=[{"role": "user", "content": "Say yes."}], max_tokens=1
        )
    except openai.BadRequestError as refusal:
        if _UNKNOWN_MODEL & {refusal.code, refusal.param}:
            raise
        return model  # it takes fewer options than others; who asks in earnest finds out which
    except ValueError:
        said = None
    if not isinstance(said, ChatCompletion) or not said.choices:
        raise _no_model(model, f"what answers at {model.host} is no language model")
    return model


def _no_model(model: LanguageModel, problem: str) -> Unreached:
    remedy = f"Correct it, or let this machine through to {model.base_url}"
    return Unreached("OPENAI_BASE_URL", problem, remedy)


def _refused(
    settings: Settings, model: LanguageModel, refusal: openai.APIStatusError
) -> SettingError | Unavailable:
    key = "KRUTRIM_API_KEY" if settings.krutrim_api_key else "OPENAI_API_KEY"
    status = refusal.status_code
    codes = {str(each) for each in (refusal.code, refusal.type, refusal.param)}
    if status == 402 or "insufficient_quota" in codes:
        remedy = f"Pay for more at {model.host}, or set the key of another account"
        return SettingError(key, f"its account at {model.host} has no credit left", remedy)
    if status in (401, 403):
        unset = settings.openai_api_key is None and settings.krutrim_api_key is None
        problem = f"{model.host} " + ("asks for a key" if unset else f"refuses it ({status})")
        return SettingError(key, problem, f"Set a key of {model.host} that is valid")
    if _UNKNOWN_MODEL & codes or (status == 404 and isinstance(refusal.body, dict)):
        remedy = f"Set a model that {model.host} has and that this key may use"
        return SettingError("OPENAI_MODEL", f"{model.host} has no {model.model}", remedy)
    if status == 404:
        return _no_model(model, f"{model.host} answers 404: it has no chat completions there")
    return Unavailable(f"{model.host} is in trouble ({status})")
