"""What the candidate's page shows of the conversation: captions, states, notices."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from contracts.turns import Speaker
from voice import messages
from voice.clerk import Clerk
from voice.floor import Room
from voice.messages import Notice, RoomState
from voice.speaking import Spoken


class Page:
    """Hears from the mouth what becomes audible, shows it and has it written down.

    `prompt_heard` is called when a prompt was heard to its end, `silent` when everything was said.
    """

    def __init__(
        self,
        room: Room,
        clerk: Clerk,
        prompt_heard: Callable[[], None],
        silent: Callable[[], None],
    ) -> None:
        self._room = room
        self._clerk = clerk
        self._prompt_heard = prompt_heard
        self._silent = silent

    def candidate(self, turn_id: UUID, text: str, *, final: bool) -> None:
        self._room.send(messages.caption(Speaker.CANDIDATE, turn_id, text, final=final))

    def show(self, state: RoomState) -> None:
        self._room.send(messages.state(state))

    def notice(self, code: Notice) -> None:
        self._room.send(messages.notice(code))

    def moved(self, state_version: int) -> None:
        self._room.send(messages.cursor(state_version))

    # -- what the mouth reports

    def audible(self, spoken: Spoken) -> None:
        self.show("speaking")
        final = not spoken.growing and spoken.begun == len(spoken.pieces)
        self._interviewer(spoken, final=final)

    def said(self, spoken: Spoken) -> None:
        self._clerk.interviewer_said(spoken)
        if spoken.line.draft:  # that its last sentence was the last is known only now
            self._interviewer(spoken, final=True)
        if spoken.line.asks:
            self._prompt_heard()

    def given_up(self, spoken: Spoken) -> None:
        self._clerk.interviewer_said(spoken)
        if spoken.begun:
            self._interviewer(spoken, final=True)

    def silent(self) -> None:
        self._silent()

    def _interviewer(self, spoken: Spoken, *, final: bool) -> None:
        turn_id, text = spoken.turn_id, spoken.audible_text
        self._room.send(messages.caption(Speaker.INTERVIEWER, turn_id, text, final=final))
