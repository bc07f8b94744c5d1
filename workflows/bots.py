"""The bots of one interview: started by a join, watched, told to go."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from contracts.conversation import ConversationEnd, ConversationResult
from contracts.errors import CodeVoiceError, Conflict, Unavailable, WrongState
from contracts.interview import InterviewStatus, Join
from workflows import calls
from workflows.background import Background
from workflows.interview import Interview
from workflows.line import Connection
from workflows.refusals import why_no_bot

#: A bot says goodbye by itself; one that has not left by then is cancelled.
FAREWELL: Final = timedelta(seconds=20)


class Bots:
    """Holds the activity of every epoch that is not over. Only the newest may be live."""

    def __init__(self, interview: Interview, background: Background) -> None:
        self._interview = interview
        self._background = background
        self._handles: dict[int, workflow.ActivityHandle[ConversationResult]] = {}
        self._opening = 0
        self._room_made = False

    @property
    def gone(self) -> bool:
        return not self._handles

    @property
    def no_room(self) -> bool:
        """None was made for this interview, or it is closed again."""
        return not self._room_made

    def connect(self, join: Join) -> Connection:
        """Starts a bot for a new epoch; the old one is cancelled and nobody waits for it.

        A bot that is in a room already stays: who joins there needs a token, not a new bot.
        """
        line = self._interview.line
        if self._in_room and line.newest is not None and line.busy_with(join.purpose):
            line.count(workflow.now())
            return line.newest
        connection = self._interview.connect(join, workflow.now())
        self.supersede()
        self._start(connection)
        return connection

    def supersede(self) -> None:
        """Cancels the bots of older epochs: somebody else holds the line now."""
        for epoch, handle in self._handles.items():
            if epoch != self._interview.line.epoch:
                handle.cancel()

    async def send_off(self) -> None:
        """A live bot learns from the saved state that it may go, and gets the time for a farewell.
        One that has not begun to speak is stopped at once."""
        leaving = dict(self._handles)
        for epoch, handle in leaving.items():
            if epoch != self._interview.line.live_epoch:
                handle.cancel()
        if not leaving:
            return
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: all(handle.done() for handle in leaving.values()),
                timeout=FAREWELL,
                timeout_summary="the bot says goodbye",
            )
        for handle in leaving.values():
            handle.cancel()

    def why_not_joined(self, connection: Connection) -> CodeVoiceError:
        interview = self._interview
        if connection is not interview.line.newest:
            return Conflict("a newer join took over")
        if interview.over or interview.status is InterviewStatus.PAUSED:
            return WrongState(f"the interview is {interview.status}")
        return connection.refusal or Conflict("the conversation was ended")

    async def open_room(self) -> None:
        """For every join: a LiveKit that was restarted has forgotten its rooms. Raises Unavailable.

        Over direct WebRTC there is none, nor in an interview that ran before there were rooms.
        """
        if self._interview.start.transport != "livekit" or not workflow.patched("rooms"):
            return
        self._room_made = True
        self._opening += 1
        try:
            await calls.open_room(self._interview.start.interview_id)
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            raise Unavailable("the room cannot be opened", retry_after_s=2) from failure
        finally:
            self._opening -= 1

    async def close_room(self) -> None:
        """Once the interview is over, its last bot has left and nobody waits to come in."""
        await workflow.wait_condition(lambda: self.gone and not self._opening)
        if self._room_made:
            with suppress(ActivityError):
                await calls.close_room(self._interview.start.interview_id)
            self._room_made = False

    @property
    def _in_room(self) -> bool:
        return self._interview.start.transport != "direct"

    def _start(self, connection: Connection) -> None:
        handle = calls.hold_conversation(self._interview, connection, workflow.now())
        self._handles[connection.epoch] = handle
        self._background.start(self._watch(connection, handle))

    async def _watch(
        self, connection: Connection, handle: workflow.ActivityHandle[ConversationResult]
    ) -> None:
        """Tells the interview how a conversation ended.

        After a failure over direct WebRTC the browser offers again; a room whose worker shuts down
        gets its next bot at once.
        """
        end: ConversationEnd | None = None
        refusal: CodeVoiceError | None = None
        connected = True
        try:
            result = await handle
            end, connected = result.end, result.connected
        except ActivityError as failure:
            if not is_cancelled_exception(failure):
                refusal = why_no_bot(failure)
        del self._handles[connection.epoch]
        # Hazard: a newer epoch may have begun meanwhile; then this end changes nothing but its own.
        self._interview.conversation_over(
            connection.epoch, workflow.now(), end=end, refusal=refusal, connected=connected
        )
        lost = self._interview.status is InterviewStatus.INTERRUPTED
        newest = connection is self._interview.line.newest
        if self._in_room and end is ConversationEnd.HANDOFF and newest and lost:
            self._start(self._interview.hand_over())
