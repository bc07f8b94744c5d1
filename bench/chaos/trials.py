"""Trials: one interview and its faults, or many interviews in a storm; then the judge is asked."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

import connections
from bench.chaos import invariants
from bench.chaos.candidate import Candidate, Held
from bench.chaos.evidence import Entry, Evidence, Fault, Told, Violation
from bench.chaos.faults import (
    Disturbance,
    Strike,
    dealt_in_rooms,
    draw,
    draw_spoken,
    one_of,
    possible,
)
from bench.chaos.ledger import UNNAMED, Ledger
from bench.chaos.points import Order, Side
from bench.chaos.servers import SPEAKING, Servers
from bench.chaos.speaker import RoomSpeaker, Speaker
from reconciler import Reconciler

#: A word of every answer, name and address: it may stand in the database alone.
CANARY: Final = "quokkatrice"
#: How long an interview without faults takes on a warm product; strikes fall within it.
_INTERVIEW_S: Final = 0.8
#: Housekeeping passes its points every 10 s.
_HOUSEKEEPING_S: Final = 12.0
#: A reply that arrives this soon after a kill was under way before it.
_UNDER_WAY: Final = timedelta(milliseconds=50)
#: Passed by the first beat of the pulse and by a late one, which a slow machine makes and no trial.
_LATE: Final = frozenset({"sql.insert.service_pulse"})
#: What a spoken interview passes in other processes than those that speak.
_JOINED: Final = frozenset({"http.join", "handler.join", "handler.bot_ready"})
_OF_ROOMS: Final = ("room.", "token.", "activity.open_room", "activity.close_room")
#: Two faults at once in one trial of so many.
_DOUBLE_EVERY: Final = 10


class Trial(BaseModel):
    """What is to be done. `order` is None where only strikes are dealt. `tried` counts from 1. What
    is held `in_room` is spoken."""

    model_config = ConfigDict(frozen=True)

    number: int
    order: Order | None = None
    strikes: tuple[Strike, ...] = ()
    tried: int = 1
    spoken: bool = False
    in_room: bool = False


class Tries(BaseModel):
    """How many tries of calls ended how."""

    ok: int = 0
    fail: int = 0
    unknown: int = 0


class Result(BaseModel):
    """`violations` are "I1: detail" and empty when nothing was lost. `fired`: the armed point was
    reached. `recovery_s` runs from the first fault to the next call that went well, or to the end
    of the interview where none was left to make. `broken`: the product stood still afterwards, or
    could not be judged, which counts as a loss; it is of no use for another trial.
    `voice_again_s` runs from the first fault until the interviewer is heard over a new line.
    """

    trial: Trial
    fired: bool
    process: str | None
    interview_ids: tuple[str, ...]
    violations: tuple[str, ...]
    tries: Tries
    faults: tuple[str, ...]
    recovery_s: float | None
    took_s: float
    broken: bool = False
    voice_again_s: float | None = None


async def recorded(
    servers: Servers, ledgers: Path, rounds: int = 3, *, spoken: bool = False, in_room: bool = False
) -> dict[str, int]:
    """How often an interview without faults passes each point, at least; of a spoken one those that
    no typed one has. Raises RuntimeError when already this is found wrong."""
    totals: Counter[str] = Counter()
    for number in range(rounds):
        servers.fuse.record()
        trial = Trial(number=-1 - number, spoken=spoken, in_room=in_room)
        result = await pinpoint(servers, trial, ledgers, disturbed=False)
        if result.violations:
            raise RuntimeError(f"without any fault: {result.violations}")
        counted = Counter(
            point
            for point, process in servers.fuse.passed()
            if (not spoken or process in SPEAKING or _is_joining(point)) and point not in _LATE
        )
        totals = counted if not number else _least(totals, counted)
    servers.fuse.disarm()
    return dict(sorted(totals.items()))


def _is_joining(point: str) -> bool:
    return point in _JOINED or point.startswith(_OF_ROOMS)


def _least(one: Counter[str], other: Counter[str]) -> Counter[str]:
    """Points of either; how often at least where both have it."""
    return Counter({each: min(one[each] or other[each], other[each] or one[each])
                    for each in one | other})  # fmt: skip


def plan(points: dict[str, int], chance: random.Random, per_side: int) -> list[Trial]:
    """In rounds: every point once, then every point at its second side, and so on. After each round
    every kind of fault from outside once. One trial in ten gets a second fault.

    So a plan that is cut short by the clock has been everywhere before it comes again.
    """
    trials: list[Trial] = []
    sides = {point: chance.sample(list(Side), 3) for point in points}
    for turn in range(3 * per_side):
        for point in chance.sample(list(points), len(points)):
            order = Order(
                id=uuid4(),
                point=point,
                side=sides[point][turn % 3],
                passing=chance.randint(1, points[point]),
            )
            double = len(trials) % _DOUBLE_EVERY == _DOUBLE_EVERY - 1
            strikes = (draw(chance, _INTERVIEW_S),) if double else ()
            trials.append(Trial(number=len(trials), order=order, strikes=strikes))
        for kind in possible():
            strike = one_of(kind, chance, _INTERVIEW_S)
            trials.append(Trial(number=len(trials), strikes=(strike,)))
    return trials


def plan_spoken(
    points: dict[str, int], chance: random.Random, count: int, *, in_room: bool = False
) -> list[Trial]:
    """So many, as each takes a minute: points and sides by chance, no point again before all have
    been chosen; a strike from outside in every third, in rooms in every second."""
    trials: list[Trial] = []
    waiting: list[str] = []
    every, dealt = 2 if in_room else 3, dealt_in_rooms(chance)
    for number in range(count):
        trial = Trial(number=number, spoken=True, in_room=in_room)
        if number % every == every - 1:
            strike = next(dealt) if in_room else draw_spoken(chance)
            trials.append(trial.model_copy(update={"strikes": (strike,)}))
            continue
        waiting = waiting or chance.sample(list(points), len(points))
        point = waiting.pop()
        order = Order(
            id=uuid4(),
            point=point,
            side=chance.choice(list(Side)),
            passing=chance.randint(1, points[point]),
        )
        trials.append(trial.model_copy(update={"order": order}))
    return trials


def again(trial: Trial) -> Trial:
    """The same at the point's first passing: another fault may have kept it from its later ones."""
    if trial.order is None:
        return trial
    order = trial.order.model_copy(update={"id": uuid4(), "passing": 1})
    return trial.model_copy(update={"order": order, "tried": trial.tried + 1})


async def attempted(servers: Servers, trial: Trial, ledgers: Path) -> Result:
    """As `pinpoint`, whatever happens: a trial that cannot be ended or judged is a loss of its
    own, and keeps nobody from the next one."""
    began = time.monotonic()
    try:
        return await pinpoint(servers, trial, ledgers)
    except Exception as failure:
        servers.fuse.disarm()
        return Result(
            trial=trial,
            fired=trial.order is not None and servers.fuse.mark(trial.order) is not None,
            process=None,
            interview_ids=(),
            violations=(f"unjudged: {type(failure).__name__}: {failure}",),
            tries=Tries(),
            faults=(),
            recovery_s=None,
            took_s=round(time.monotonic() - began, 2),
            broken=True,
        )


async def pinpoint(
    servers: Servers, trial: Trial, ledgers: Path, *, disturbed: bool = True
) -> Result:
    """One interview with this trial's faults, judged."""
    began = time.monotonic()
    ledger = Ledger(ledgers / f"{_kind(trial)}-{trial.number}.jsonl")
    faults: tuple[Fault, ...] = ()
    candidate, speaker = _candidate(servers, trial, ledger)
    lose_browser = speaker.lose_browser if speaker else None
    disturbance = (
        Disturbance(servers, trial.order, trial.strikes, lose_browser) if disturbed else None
    )
    held, gone_wrong = await held_by(candidate)
    if disturbance is not None:
        try:
            faults = await disturbance.over(0.0 if disturbance.struck else _HOUSEKEEPING_S)
        except TimeoutError:
            gone_wrong.append("dead: a part did not come back")
    quiet = invariants.SCORED if trial.spoken else invariants.QUIET
    violations = [*gone_wrong, *await judged(servers, [held], ledger.entries, faults, quiet)]
    ledger.close()
    return Result(
        trial=trial,
        fired=disturbance is not None and disturbance.struck,
        process=_process(trial, faults),
        interview_ids=(str(held.interview_id),),
        violations=tuple(violations),
        tries=tries_of(ledger.entries),
        faults=tuple(f"{each.kind} {each.part}" for each in faults),
        recovery_s=_recovery_s(faults, ledger.entries, held),
        took_s=round(time.monotonic() - began, 2),
        voice_again_s=speaker.voice_again_s(faults[0]) if speaker and faults else None,
    )


def _kind(trial: Trial) -> str:
    if trial.in_room:
        return "room"
    return "spoken" if trial.spoken else "trial"


def _candidate(servers: Servers, trial: Trial, ledger: Ledger) -> tuple[Candidate, Speaker | None]:
    """Whoever is interviewed, and the same again when by voice."""
    if not trial.spoken:
        return Candidate(servers.url, servers.api_key, ledger, CANARY), None
    voice = RoomSpeaker if trial.in_room else Speaker
    speaker = voice(servers.url, servers.api_key, ledger, CANARY)
    return speaker, speaker


async def held_by(candidate: Candidate) -> tuple[Held, list[str]]:
    """The interview, and in words what its candidate could not put up with."""
    gone_wrong = []
    try:
        held = await candidate.hold()
    except (TimeoutError, RuntimeError) as failure:
        held = candidate.held
        gone_wrong.append(f"stuck: {failure}")
    finally:
        await candidate.close()
    return held, [*gone_wrong, *(f"refused: {each}" for each in held.refusals)]


async def judged(
    servers: Servers,
    helds: Sequence[Held],
    ledger: tuple[Entry, ...],
    faults: tuple[Fault, ...],
    quiet: timedelta = invariants.QUIET,
) -> list[str]:
    """In words. The judge's own connections may have died with PostgreSQL."""
    await connections.reach(servers.store)
    known = [held for held in helds if held.interview_id != UNNAMED]
    evidence = Evidence(
        store=servers.store,
        temporal=servers.temporal,
        interviews=tuple(held.interview_id for held in known),
        ledger=ledger,
        statuses={held.interview_id: held.status for held in known if held.status},
        reports={held.interview_id: held.report for held in known if held.report is not None},
        faults=faults,
        canaries=(CANARY, *(word for each in ledger if (word := each.word))),
        traces=servers.logs,
        recordings_url=servers.settings.recordings_url,
        rooms=servers.outside.rooms if servers.outside else None,
        sockets=servers.outside.providers.sockets if servers.outside else None,
    )
    found = [_in_words(each) for each in await invariants.check(evidence, quiet)]
    return [*found, *await unreconciled(servers, evidence.interviews)]


async def unreconciled(servers: Servers, interviews: Collection[UUID] | None = None) -> list[str]:
    """What the product's own reconciler cannot heal, of these interviews or of all there are. Last,
    as it heals the rest. Some contradictions count after a minute: those are for the end of all."""
    rooms = servers.outside.rooms if servers.outside else None
    where = servers.settings.recordings_url
    reconciler = Reconciler(servers.store, servers.temporal, where, rooms=rooms)
    found = await reconciler.round(deep=True)
    return [
        f"I6: {each}"
        for each in found
        if not each.healed and (interviews is None or each.interview_id in interviews)
    ]


def _in_words(violation: Violation) -> str:
    return f"{violation.invariant}: {violation.detail} (interview {violation.interview_id})"


def _process(trial: Trial, faults: tuple[Fault, ...]) -> str | None:
    """Which one killed itself at the armed point."""
    order = trial.order
    named = f"{order.point} {order.side}" if order is not None else ""
    return next((fault.part for fault in faults if fault.kind == named), None)


def tries_of(entries: Iterable[Entry]) -> Tries:
    counted = Counter(each.outcome for each in entries)
    return Tries(ok=counted[Told.OK], fail=counted[Told.FAIL], unknown=counted[Told.UNKNOWN])


def _recovery_s(faults: Sequence[Fault], entries: Sequence[Entry], held: Held) -> float | None:
    if not faults:
        return None
    struck_at = min(fault.began_at for fault in faults) + _UNDER_WAY
    replies = (each.ended_at for each in entries if each.outcome is Told.OK)
    after = [at for at in (*replies, *_end_of(held)) if at > struck_at]
    return round((min(after) - struck_at + _UNDER_WAY).total_seconds(), 3) if after else None


def _end_of(held: Held) -> tuple[datetime, ...]:
    return (held.completed_at,) if held.completed_at is not None else ()
