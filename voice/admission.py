"""Who in a LiveKit room is the candidate: whoever holds the newest admission, each token once.

LiveKit lets in everybody with a token, as often as they like within its two minutes, and gives them
the place of who is there. So each entry is stamped: LiveKit then makes whoever is inside a token
with the stamp, by which its client comes back from a failure of the network. The token that was
handed out has no stamp, and is known when it is shown again.

LiveKit stamps by name, and the name may have gone to somebody else by then: a stamp counts once
LiveKit has said who got it (`gave`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from contracts.rooms import Entry


class Admission:
    """One bot's view. It goes on from what the bot before it has noted in the room."""

    def __init__(self) -> None:
        self._last: Entry | None = None

    def admit(self, attributes: Mapping[str, str], noted: str) -> Entry | None:
        """What to stamp the newcomer with; None: they are to be sent out.

        `noted` is the note of an earlier bot, or nothing. Until `gave`, nobody comes back by this
        ticket.
        """
        shown, last = Entry.of(attributes), self._last or Entry.read(noted)
        if shown is None or (last and not _follows(shown, last)):
            return None
        self._last = shown.used_up()
        return Entry(shown.ticket, secrets.token_hex(8))

    def gave(self, entry: Entry) -> None:
        """The newcomer has the stamp, and nobody else."""
        self._last = entry


def _follows(shown: Entry, last: Entry) -> bool:
    """It is newer, or the same that is back."""
    return shown.ticket > last.ticket or shown == last
