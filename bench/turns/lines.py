"""What a thinker says, as it reaches the bot: one channel of 16 kHz, over one of three lines."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from bench.turns.thinkers import Answer, Line, Where
from bench.voices import RATE_HZ, Samples, Voice
from voice.models import RATE_HZ as HEARD_RATE_HZ

#: Before the first word, and after the last: longer than any pause is waited for.
LEAD_S, TAIL_S = 0.7, 10.0
#: A quiet room, 70 dB below full scale; the models never meet digital silence on a line.
ROOM_NOISE: Final = 10.0
PACKET: Final = RATE_HZ // 50
LOST: Final = 0.03
#: Losses come in bursts: so likely is the packet after a lost one lost as well.
LOST_AGAIN: Final = 0.4
OPUS_BIT_RATE: Final = 24_000
#: How much later than it went in a sample comes out, at 48 kHz.
OPUS_DELAY: Final = 312


@dataclass(frozen=True)
class Stop:
    """A pause, in seconds from the beginning of the sound."""

    where: Where
    begins_s: float
    ends_s: float


@dataclass(frozen=True)
class Sound:
    """16 kHz PCM; the last voiced sample stands at `ends_s`."""

    pcm: bytes
    stops: tuple[Stop, ...]
    ends_s: float


def spoken(answer: Answer, voice: Voice, line: Line, chance: random.Random) -> Sound:
    """The whole answer with its pauses. Voiced samples end and begin where the pauses say."""
    parts: list[Samples] = [np.zeros(int(LEAD_S * RATE_HZ), np.int16)]
    stops: list[Stop] = []
    at = len(parts[0])
    for piece in answer.pieces:
        said = voice.say(piece.text)
        at += len(said)
        parts.append(said)
        if piece.where:
            silence = np.zeros(int(piece.pause_s * RATE_HZ), np.int16)
            stops.append(Stop(piece.where, at / RATE_HZ, (at + len(silence)) / RATE_HZ))
            at += len(silence)
            parts.append(silence)
    parts.append(np.zeros(int(TAIL_S * RATE_HZ), np.int16))
    noisy = _in_a_room(np.concatenate(parts), chance)
    return Sound(_over(line, noisy, chance), tuple(stops), at / RATE_HZ)


def _in_a_room(samples: Samples, chance: random.Random) -> Samples:
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, ROOM_NOISE, len(samples))
    return _int16(samples + noise)


def _over(line: Line, samples: Samples, chance: random.Random) -> bytes:
    if line is Line.OPUS:
        samples = through_opus(samples, lost(len(samples) // PACKET + 1, chance))
    narrow = samples.astype(np.float32)
    if line is Line.NARROW:
        telephone = soxr.resample(narrow, RATE_HZ, 8_000)
        heard = soxr.resample(telephone, 8_000, HEARD_RATE_HZ)
    else:
        heard = soxr.resample(narrow, RATE_HZ, HEARD_RATE_HZ)
    return _int16(heard).astype("<i2").tobytes()


def lost(packets: int, chance: random.Random) -> list[bool]:
    """Which packets of 20 ms do not arrive."""
    gone: list[bool] = []
    for _ in range(packets):
        after_loss = bool(gone) and gone[-1]
        gone.append(chance.random() < (LOST_AGAIN if after_loss else LOST))
    return gone


def through_opus(samples: Samples, gone: list[bool]) -> Samples:
    """Encoded and decoded by libopus; a packet that is gone leaves 20 ms of silence."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.bit_rate = OPUS_BIT_RATE
    encoder.options = {"application": "voip", "frame_duration": "20"}
    encoder.open()
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = RATE_HZ, "mono"
    packets = [packet for frame in _frames(samples) for packet in encoder.encode(frame)]
    packets += encoder.encode(None)
    pieces = [_decoded(decoder, packet, gone[at % len(gone)]) for at, packet in enumerate(packets)]
    heard = np.concatenate(pieces)[OPUS_DELAY:]
    return np.pad(heard, (0, max(0, len(samples) - len(heard))))[: len(samples)]


def _frames(samples: Samples) -> list[Any]:
    frames = []
    for at in range(0, len(samples) - PACKET + 1, PACKET):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + PACKET], layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
        frames.append(frame)
    return frames


def _decoded(decoder: Any, packet: Any, gone: bool) -> Samples:
    if gone:
        return np.zeros(PACKET, np.int16)
    pieces = [frame.to_ndarray().reshape(-1) for frame in decoder.decode(packet)]
    samples: Samples = np.concatenate(pieces) if pieces else np.zeros(PACKET, np.int16)
    return samples


def _int16(samples: NDArray[Any]) -> Samples:
    whole: Samples = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return whole
