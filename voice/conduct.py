"""How the interviewer conducted a conversation: who waited, who spoke over whom, who yielded.

Pure, over the two sides of a recording (`voiced`) and the turns that were written down meanwhile.
All of it is about the interviewer: what a candidate says, or how, is no part of it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.conduct import Conduct, Spread
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from voice.interruptions import HEARD_AFTER_S, is_backchannel
from voice.voiced import FRAME_S, Frames, stretches

#: A side that was silent for this long begins anew.
APART_S: Final = 0.6
#: Silence after which the interviewer has fallen silent, longer than the gaps between words.
YIELDED_S: Final = 0.4
#: The interviewer was heard so shortly before: the candidate begins over it.
OVER_S: Final = 0.15
#: Silences so short are within words: who speaks, speaks through them.
WITHIN_WORDS_S: Final = 0.2
#: Turns are timed by recognition and playback, and are this far from their sound at most.
TURN_WITHIN_S: Final = 0.4


@dataclass(frozen=True)
class Said:
    """A turn with its place in the recording, in seconds."""

    turn: Turn
    begins_s: float
    ends_s: float

    def over(self, begins_s: float, ends_s: float) -> bool:
        return self.begins_s - TURN_WITHIN_S < ends_s and begins_s < self.ends_s + TURN_WITHIN_S


@dataclass(frozen=True)
class Reply:
    """The interviewer begins to speak, the candidate having been heard last until `after_s`.

    `voice` is the candidate's stretch that ends first after that: it goes on while the interviewer
    begins, or begins later. `to_silence`: a word into a long silence, or that the time runs out.
    """

    after_s: float
    begins_s: float
    voice: tuple[float, float] | None
    to_silence: bool

    @property
    def waited_for(self) -> bool:
        into_words = self.voice is not None and self.voice[0] < self.begins_s
        return not into_words and not self.to_silence


def conduct(
    candidate: Frames, interviewer: Frames, said: Sequence[Said], seams_s: Sequence[float] = ()
) -> Conduct:
    """`seams_s` are the moments at which one conversation begins after another: silence across one
    is nobody's wait."""
    spoken = sorted(
        (each for each in said if each.turn.kind is TurnKind.SPOKEN), key=lambda each: each.begins_s
    )
    lines = [each for each in spoken if each.turn.speaker is Speaker.INTERVIEWER]
    words = [each for each in spoken if each.turn.speaker is Speaker.CANDIDATE]
    answers = [each for each in words if each.turn.purpose is TurnPurpose.ANSWER]
    waits, taken_back, cut_offs = [], set(), 0
    for reply in replies(candidate, interviewer, lines):
        if reply.voice and cuts_off(reply, answers):
            cut_offs += 1
            taken_back.add(reply.voice[0])
        elif reply.waited_for and not any(reply.after_s < at < reply.begins_s for at in seams_s):
            waits.append(reply.begins_s - reply.after_s)
    over = [
        seconds
        for begins_s, ends_s, seconds in yields(candidate, interviewer)
        if begins_s not in taken_back and _has_words(words, begins_s, ends_s)
    ]
    return Conduct(
        answers=len({each.turn.question_id for each in answers}),
        wait=spread(waits),
        talk_over_s=round(_both_speak(candidate, interviewer), 2),
        cut_offs=cut_offs,
        barge_in=spread(over),
    )


def replies(candidate: Frames, interviewer: Frames, lines: Sequence[Said]) -> Iterator[Reply]:
    """Where the interviewer begins after the candidate was heard; what it says on is no other."""
    voiced = np.flatnonzero(candidate)
    theirs = stretches(candidate, APART_S)
    for begins, _ in stretches(interviewer, APART_S):
        earlier = int(np.searchsorted(voiced, begins))
        after = int(voiced[earlier - 1]) + 1 if earlier else None
        if after is None or interviewer[after:begins].any():
            continue
        voice = next((each for each in theirs if each[1] > begins), None)
        line = _nearest(lines, begins * FRAME_S)
        yield Reply(
            after_s=after * FRAME_S,
            begins_s=begins * FRAME_S,
            voice=(voice[0] * FRAME_S, voice[1] * FRAME_S) if voice else None,
            to_silence=line is not None and line.turn.purpose is TurnPurpose.PROMPT,
        )


def cuts_off(reply: Reply, answers: Sequence[Said]) -> bool:
    """The same answer goes on: in the middle of words, or so soon that the candidate cannot have
    heard the interviewer first."""
    if reply.voice is None or reply.to_silence or reply.voice[0] > reply.begins_s + HEARD_AFTER_S:
        return False
    goes_on_s = max(reply.voice[0], reply.begins_s)
    before = [each for each in answers if each.begins_s < reply.begins_s]
    after = [each for each in answers if each.over(goes_on_s, reply.voice[1])]
    same = before and after and before[-1].turn.question_id == after[-1].turn.question_id
    return bool(same)


def yields(candidate: Frames, interviewer: Frames) -> list[tuple[float, float, float]]:
    """Where the candidate begins to speak over the interviewer, until when that stretch of theirs
    lasts, and the seconds from its beginning to the interviewer's last sound."""
    found = []
    for begins, ends in stretches(candidate, APART_S):
        if interviewer[max(0, begins - round(OVER_S / FRAME_S)) : begins].any():
            left = stretches(interviewer[begins:], YIELDED_S)
            last = left[0][1] if left and left[0][0] <= YIELDED_S / FRAME_S else 0
            found.append((begins * FRAME_S, ends * FRAME_S, round(last * FRAME_S, 2)))
    return found


def spread(seconds: Sequence[float]) -> Spread:
    """The 95th percentile is the nearest rank: of up to 19 values, the highest."""
    if not seconds:
        return Spread()
    ordered = sorted(seconds)
    high = ordered[math.ceil(0.95 * len(ordered)) - 1]
    middle = statistics.median(ordered)
    return Spread(count=len(ordered), median_s=round(middle, 2), p95_s=round(high, 2))


def _nearest(lines: Sequence[Said], at_s: float) -> Said | None:
    """The line that begins there, as far as is known."""
    near = [each for each in lines if each.over(at_s, at_s)]
    return min(near, key=lambda each: abs(each.begins_s - at_s), default=None)


def _has_words(words: Sequence[Said], begins_s: float, ends_s: float) -> bool:
    """A nod, a cough or a noise asks nobody to be silent."""
    heard = [each.turn.text for each in words if each.over(begins_s, ends_s)]
    return any(not is_backchannel(text) for text in heard)


def _both_speak(candidate: Frames, interviewer: Frames) -> float:
    """Seconds."""
    both = _bridged(candidate) & _bridged(interviewer)
    return float(np.count_nonzero(both)) * FRAME_S


def _bridged(frames: Frames) -> Frames:
    bridged = np.zeros(len(frames), np.bool_)
    for begins, ends in stretches(frames, WITHIN_WORDS_S):
        bridged[begins:ends] = True
    return bridged
