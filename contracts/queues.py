"""Names of the task queues."""

from __future__ import annotations

from typing import Final

INTERVIEWS: Final = "interviews"
CONVERSATIONS: Final = "conversations"
GRADING: Final = "grading"
