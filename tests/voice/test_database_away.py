"""The database goes away in the middle of a conversation and comes back."""

from __future__ import annotations

from contracts.conversation import ConversationEnd
from contracts.turns import TurnPurpose
from tests.voice.rooms import CACHE, HASH, Room, RoomFor
from tests.waiting import eventually

TABLE = "It is a table that maps keys to values with a hash function."
FASTER = "A cache keeps copies of data so that reading it again is faster."
SORRY = "Your answer is kept."


def notices(room: Room) -> int:
    return sum(message.get("code") == "not_stored" for _, message in room.told)


async def test_the_candidate_is_told_once_and_everything_is_stored_once_afterwards(
    room_for: RoomFor,
) -> None:
    room = room_for(HASH, CACHE, rehearse=(TABLE, FASTER))
    interview = room.interview
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await eventually(lambda: TurnPurpose.QUESTION in room.purposes())
    interview.away = True
    await room.candidate.say(TABLE)
    await eventually(lambda: SORRY in room.said())
    missed = interview.missed
    await eventually(lambda: interview.missed > missed + 3)  # it is tried again all the time
    assert TurnPurpose.ANSWER not in room.purposes()
    assert interview.calls == []

    interview.away = False
    await room.asked("What is a cache used for?")
    assert "maps keys to values" in room.answer(1)
    await room.candidate.ask(FASTER)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    assert interview.calls == ["record 1", "record 1"]
    assert (notices(room), room.said().count(SORRY)) == (1, 1)
    turns = interview.turns
    said = interview.texts(TurnPurpose.ANSWER)
    assert len(set(said)) == len(said)
    assert len({turn.id for turn in turns}) == len(turns)
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
