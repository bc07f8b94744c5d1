"""Who is the candidate in a room: the newest admission, each of its tokens once."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from contracts.rooms import Entry, Ticket
from voice.admission import Admission


def token(admission: int) -> dict[str, str]:
    """The attributes of a token as it is handed out."""
    return {"epoch": "1", "ticket": str(Entry(Ticket(admission, uuid7())))}


def inside(handed_out: dict[str, str], entry: Entry | None) -> dict[str, str]:
    """Those of the token that LiveKit makes for whoever was stamped."""
    assert entry is not None
    return {**handed_out, "stamp": entry.stamp}


def enter(door: Admission, shown: dict[str, str], noted: str = "") -> Entry | None:
    """An entry that is stamped at once."""
    entry = door.admit(shown, noted)
    if entry:
        door.gave(entry)
    return entry


def test_a_token_serves_once() -> None:
    door, first = Admission(), token(1)
    assert door.admit(first, "")
    assert door.admit(first, "") is None


def test_who_was_stamped_comes_back_by_the_newest_stamp_alone() -> None:
    door, first = Admission(), token(1)
    entered = enter(door, first)
    back = enter(door, inside(first, entered))
    assert back
    assert back != entered
    assert door.admit(inside(first, entered), "") is None
    assert door.admit(inside(first, back), "")


def test_a_newer_admission_takes_the_place_and_an_older_one_never() -> None:
    door, older, newer = Admission(), token(1), token(2)
    entered = enter(door, older)
    assert door.admit(newer, "")
    assert door.admit(older, "") is None
    assert door.admit(inside(older, entered), "") is None
    assert door.admit(token(10), "")
    assert door.admit(token(9), "") is None


def test_a_newer_token_for_the_same_admission_serves_and_the_older_one_no_more() -> None:
    door, lost, again = Admission(), token(1), token(1)
    assert door.admit(again, "")
    assert door.admit(lost, "") is None


def test_the_next_bot_goes_on_from_what_was_noted() -> None:
    first = token(1)
    entered = Admission().admit(first, "")
    noted = str(entered)
    assert Admission().admit(first, noted) is None
    assert Admission().admit(inside(first, entered), noted)
    assert Admission().admit(token(1), noted)


def test_its_own_memory_counts_when_the_room_has_forgotten() -> None:
    door, first = Admission(), token(1)
    entered = enter(door, first)
    assert door.admit(first, "") is None
    assert door.admit(inside(first, entered), "")


def test_a_stamp_that_somebody_else_may_have_is_worth_nothing() -> None:
    door, first = Admission(), token(1)
    entered = door.admit(first, "")
    assert entered
    for shown in (first, inside(first, entered)):
        assert door.admit(shown, "") is None
        assert Admission().admit(shown, str(entered.used_up())) is None
    assert door.admit(token(1), "")


@pytest.mark.parametrize("ticket", [None, "", "1", "x y", f"1 {UUID(int=0).hex[:-1]}"])
def test_who_has_no_ticket_is_nobody(ticket: str | None) -> None:
    assert Admission().admit({} if ticket is None else {"ticket": ticket}, "") is None


def test_an_entry_is_read_as_it_was_written() -> None:
    entry = Entry(Ticket(12, uuid7()), "5f")
    assert Entry.read(str(entry)) == entry
    assert Entry.read(str(Entry(entry.ticket))) == Entry(entry.ticket)
    assert Entry.read("") is None
