"""What must hold after any trial: invariants I1 to I15, as far as they apply to this product.

The rules for one interview stand in `kept`, `spoken`, `rooms` and `settled`; here they are put
together, with those that hold for a trial as a whole. I10 (money) and I13 (batches) have nothing to
hold yet: no part costs and no batch runs.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from bench.chaos import histories, kept, rooms, settled, spoken
from bench.chaos.evidence import ANSWERS, Entry, Evidence, Fault, Told, Violation
from bench.chaos.settled import AFTERMATH
from bench.chaos.story import Story, now, story_of
from contracts.interview import InterviewStatus

#: The state is saved within moments; what has not settled after this long does not settle.
QUIET: Final = timedelta(seconds=5)
#: What was spoken is joined and scored with what is left of the machine, before its workflow ends.
SCORED: Final = timedelta(seconds=60)
MOST_REFUSED: Final = 0.05
LAST_CALLS: Final = 5
_ENDED: Final = frozenset(each.value for each in InterviewStatus if each.ended)

#: By name, in the order of their numbers.
RULES: Final[Mapping[str, Callable[[Story], Iterator[str]]]] = {
    "I1": lambda story: itertools.chain(kept.lost(story), spoken.lost(story)),
    "I2": kept.invented,
    "I3": lambda story: itertools.chain(kept.doubled(story), spoken.doubled(story)),
    "I4": kept.disordered,
    "I5": kept.interleaved,
    "I6": settled.disagreeing,
    "I7": lambda story: itertools.chain(settled.unsettled(story), rooms.left_open(story)),
    "I8": settled.misrecorded,
    "I9": settled.misfiled,
    "I11": settled.mistimed,
    "I12": lambda story: itertools.chain(settled.exposed(story), rooms.told_in_history(story)),
    "I14": settled.dead,
}
#: What may need a moment after the last call.
_SETTLING: Final = ("I6", "I7", "I14")


async def check(evidence: Evidence, quiet: timedelta = QUIET) -> list[Violation]:
    """Every violation found, in the order of the interviews, then those of the whole trial.

    Called when every interview has ended, or 60 s after the last fault was healed. `quiet` is how
    long what settles by itself may take from now on.
    """
    found: list[Violation] = []
    for interview_id in evidence.interviews:
        story = await _settled(evidence, interview_id, quiet)
        if story is None:
            found.append(Violation("I1", interview_id, "the interview has no row"))
            continue
        found += _violations(story)
        if story.history is not None and not await histories.replays(story.history):
            found.append(Violation("I8", interview_id, "the history does not replay"))
    found += [Violation("I7", None, told) async for told in rooms.sockets_left(evidence, quiet)]
    found += [Violation("I12", None, told) for told in _exposed_in_traces(evidence)]
    found += [Violation("I12", None, told) async for told in rooms.tokens_kept(evidence)]
    found += [Violation("I14", None, told) for told in _unheard(evidence)]
    found += [Violation("I15", None, told) for told in vacuous(evidence)]
    return found


async def _settled(evidence: Evidence, interview_id: UUID, quiet: timedelta) -> Story | None:
    """The story once it is quiet, or as it is when that takes too long."""
    deadline = now() + quiet
    while True:
        story = await story_of(evidence, interview_id)
        if story is None or now() > deadline or not _violations(story, _SETTLING):
            return story
        await asyncio.sleep(0.2)


def _violations(story: Story, names: Iterable[str] = tuple(RULES)) -> list[Violation]:
    return [
        Violation(name, story.interview_id, detail)
        for name in names
        for detail in RULES[name](story)
    ]


def _exposed_in_traces(evidence: Evidence) -> Iterator[str]:
    """I12: no canary stands in a log, a metric or a crash file."""
    for trace in evidence.traces:
        text = trace.read_text(errors="replace")
        for number, word in enumerate(evidence.canaries):
            if word in text:
                yield f"canary {number} stands in {trace.name}"


def _unheard(evidence: Evidence) -> Iterator[str]:
    """I14: the last calls of every candidate after the last fault went well. To be refused is no
    sign of death where the interview has ended."""
    healed = max((each.healed_at for each in evidence.faults if each.healed_at), default=None)
    for interview_id in evidence.interviews:
        status = evidence.statuses.get(interview_id, {}).get("status")
        well = {Told.OK, Told.FAIL} if status in _ENDED else {Told.OK}
        calls = [each for each in _calls(evidence) if each.interview_id == interview_id]
        last = [each for each in calls if healed is None or each.invoked_at > healed + AFTERMATH]
        bad = [each for each in last[-LAST_CALLS:] if each.outcome not in well]
        if bad:
            yield f"{len(bad)} of the last calls of {interview_id} went wrong ({bad[-1].verb})"


def _calls(evidence: Evidence) -> list[Entry]:
    """What was spoken is no call: nobody replies to it."""
    return [each for each in evidence.ledger if each.word is None]


def vacuous(evidence: Evidence) -> Iterator[str]:
    """I15: outside of faults at least 95 % of the calls go well (one may not, among few), and
    something was done at all: a run may pass because everything answered an error."""
    outside = [each for each in _calls(evidence) if not _disturbed(each, evidence.faults)]
    bad = sum(each.outcome is not Told.OK for each in outside)
    if bad > max(1, MOST_REFUSED * len(outside)):
        yield f"{bad} of {len(outside)} calls outside of faults went wrong"
    done = [each for each in evidence.ledger if each.outcome is Told.OK and each.verb == ANSWERS]
    if not done:
        yield "no answer was acknowledged"


def _disturbed(entry: Entry, faults: Iterable[Fault]) -> bool:
    return any(
        entry.ended_at >= fault.began_at
        and (fault.healed_at is None or entry.invoked_at <= fault.healed_at + AFTERMATH)
        for fault in faults
    )
