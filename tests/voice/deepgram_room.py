"""Ears of one bot over the loopback Deepgram, without a line to a candidate."""

from __future__ import annotations

from contracts.manner import Manner
from tests.fakes.deepgram_server import KEY, FakeDeepgram
from tests.voice.ears import Ears
from voice.conversation import Speech
from voice.deepgram import Account, Deepgram


def account(server: FakeDeepgram, **changed: str) -> Account:
    given = Account(KEY, server.url, "nova-3", "aura-helios-en")
    return given._replace(**changed)


class DeepgramEars(Ears):
    """`shared` is what the process has of it, `deepgram` what this interview has."""

    def __init__(self, speech: Speech, server: FakeDeepgram, manner: Manner | None = None) -> None:
        self.shared = Deepgram(account(server), speech.engines.text_to_speech)
        self.deepgram = self.shared.asked(manner or Manner())
        super().__init__(speech, self.deepgram)
