"""What goes in and out over HTTP. An unknown field is refused: a misspelt one is noticed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from contracts.conduct import Conduct, Part
from contracts.interview import InterviewStatus, JoinPurpose
from contracts.manner import AURA_VOICE, English
from contracts.questions import Difficulty
from contracts.turns import Speaker, TurnKind, TurnPurpose
from web import consent

#: The longest typed answer. A turn of speech is far shorter; this is some 3,000 words.
ANSWER_LIMIT: Final = 20_000


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Topic = Annotated[str, StringConstraints(min_length=2, max_length=60)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
]


class CandidateIn(Body):
    name: Name | None = None
    email: Email | None = None


class NewInterview(Body):
    """An interview to hold. Everything has a default: `{}` makes four questions in twenty minutes.

    Either `questions` names them in order, or they are drawn by `topics`, `difficulties` and
    `question_count`; the same `seed` draws the same questions.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"candidate": {"name": "Ada"}, "question_count": 3, "duration_minutes": 15}
            ]
        },
    )

    candidate: CandidateIn = CandidateIn()
    topics: list[Topic] = Field(default_factory=list, max_length=20)
    difficulties: list[Difficulty] = Field(default_factory=list, max_length=3)
    question_count: int = Field(default=4, ge=1, le=40)
    questions: list[Slug] | None = Field(default=None, min_length=1, max_length=40)
    duration_minutes: int = Field(default=20, ge=1, le=240)
    patience_s: float | None = Field(default=None, ge=0, le=30, allow_inf_nan=False)
    voice: str | None = Field(
        default=None,
        description="Deepgram's Aura voice that asks, `aura-asteria-en` for instance; "
        "that of the service's settings when absent. English alone, as the questions are.",
        json_schema_extra={"pattern": AURA_VOICE},
    )
    language: English | None = Field(
        default=None, description="The English that Deepgram's recogniser expects; any when absent."
    )
    starts_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    report_to_candidate: bool = False
    live_listening: bool = Field(
        default=False,
        description="Staff may listen while it goes on, and the candidate agrees to that. Needs "
        "LiveKit.",
    )
    camera: bool = Field(
        default=False,
        description="The candidate may turn on a camera, for staff who listen live to see. It is "
        "neither recorded nor graded. Needs `live_listening`.",
    )
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)

    @field_validator("questions")
    @classmethod
    def _named_once(cls, value: list[str] | None) -> list[str] | None:
        if value and len(set(value)) != len(value):
            raise ValueError("names a question twice")
        return value

    @field_validator("voice")
    @classmethod
    def _is_aura(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(AURA_VOICE, value):
            raise ValueError(
                "is no Aura voice that speaks English: aura-NAME-en or aura-2-NAME-en, since the "
                "questions and the voice that stands in are English"
            )
        return value

    @field_validator("language", mode="before")
    @classmethod
    def _is_english(cls, value: str | None) -> English | None:
        try:
            return None if value is None else English(str(value))
        except ValueError:
            raise ValueError(
                f"is none of {', '.join(English)}: questions, pages, grades and the recogniser "
                "that stands in know English alone"
            ) from None

    @field_validator("starts_at", "expires_at")
    @classmethod
    def _near(cls, value: datetime | None) -> datetime | None:
        if value is not None and not 2000 <= value.year <= 2100:
            raise ValueError("is not a time between 2000 and 2100")
        return None if value is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _in_order(self) -> NewInterview:
        if self.starts_at and self.expires_at and self.expires_at <= self.starts_at:
            raise ValueError("expires_at must be after starts_at")
        return self

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)


class Progress(BaseModel):
    answered: int
    skipped: int
    interrupted: int
    unasked: int
    total: int


class GradesSoFar(BaseModel):
    graded: int
    pending: int
    ungraded: int


class CurrentQuestion(BaseModel):
    """The present prompt. `text` is the question or, when `is_follow_up`, its follow-up."""

    question_id: UUID
    number: int
    total: int
    revision: int = Field(description="The revision an answer given now has.")
    topic: str
    text: str
    is_follow_up: bool
    time_limit_s: int


class CandidateOut(BaseModel):
    name: str | None
    email: str | None


class InterviewOut(BaseModel):
    """How an interview stands. `remaining_s` is the asking time left now."""

    id: UUID
    status: InterviewStatus
    state_version: int
    current_question: CurrentQuestion | None
    question_id: UUID | None
    revision: int
    assessing: bool = Field(description="The answer is being looked at: the next prompt follows.")
    progress: Progress
    grades_so_far: GradesSoFar
    remaining_s: int
    clock_running: bool
    consented: bool
    epoch: int = Field(description="Rises when somebody joins; the newest holds the interview.")
    admission: int = Field(description="In LiveKit: the newest join's number; 0 before the first.")
    live: bool = Field(description="An interviewer is on the line.")
    no_capacity: bool
    ends_reason: str | None
    report_version: int
    transport: Literal["direct", "livekit"] = Field(
        description="How the voice travels: over a line of its own, or through a LiveKit room."
    )
    starts_at: datetime | None
    expires_at: datetime | None
    report_to_candidate: bool
    live_listening: bool
    camera: bool = Field(description="The candidate may show a picture to whoever listens live.")
    candidate: CandidateOut | None = Field(
        default=None, description="Only for the organisation's own key."
    )


class NewInterviewOut(InterviewOut):
    join_url: str = Field(description="Opens this interview for the candidate; keep it secret.")
    report_url: str = Field(description="Shows the report to staff; keep it secret.")


class InterviewPage(BaseModel):
    items: list[InterviewOut]
    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")


_CONSENT_TEXTS: Final[list[JsonValue]] = [text.version for text in consent.versions()]


class ConsentIn(Body):
    text_version: str = Field(
        description="The version of the consent text that was shown.",
        json_schema_extra={"enum": _CONSENT_TEXTS},
    )

    @field_validator("text_version")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in _CONSENT_TEXTS:
            raise ValueError("names no consent text of this service")
        return value


class MoveIn(Body):
    """`question_id` is the question the caller believes to be current; another one is refused."""

    question_id: UUID | None = None


class AnswerIn(Body):
    question_id: UUID
    revision: int = Field(ge=1, le=10_000)
    text: str = Field(max_length=ANSWER_LIMIT)
    turn_id: UUID | None = Field(
        default=None, description="Made by the caller; the same id twice is one answer."
    )


class AnswerOut(BaseModel):
    recorded: Literal[True] = True
    state_version: int


class JoinIn(Body):
    """`typing` opens the interview without a voice and needs no `sdp`; nor does a join by voice
    where interviews are held in LiveKit rooms.

    The newest join holds the interview. A join by typing takes it from a bot or from another device
    when it names its `tab`, any id of its own making; without one it leaves a live bot alone.
    """

    sdp: str | None = Field(default=None, max_length=100_000)
    type: Literal["offer"] = "offer"
    purpose: Literal[JoinPurpose.INTERVIEW, JoinPurpose.TYPING] = JoinPurpose.INTERVIEW
    tab: UUID | None = Field(default=None, description="Names the tab or device that types.")

    @model_validator(mode="after")
    def _fits_purpose(self) -> JoinIn:
        typing = self.purpose is JoinPurpose.TYPING
        if self.sdp is not None and typing:
            raise ValueError("sdp belongs to a join by voice, and only to that")
        if self.tab is not None and not typing:
            raise ValueError("tab belongs to a join by typing, and only to that")
        return self


class CheckIn(Body):
    """In a LiveKit room there is no `sdp`."""

    sdp: str | None = Field(default=None, max_length=100_000)
    type: Literal["offer"] = "offer"


class JoinOut(BaseModel):
    """By voice either `sdp`, or in LiveKit `url` and `token`."""

    epoch: int
    admission: int | None = Field(
        default=None, description="In LiveKit: the join's number; the newest holds the interview."
    )
    sdp: str | None = None
    type: Literal["answer"] | None = None
    url: str | None = Field(default=None, description="Of the LiveKit server.")
    token: str | None = Field(
        default=None, description="Opens the interview's room there, once, within two minutes."
    )


class LiveKitTokenIn(Body):
    """What LiveKit's SDKs may send. The room and who is in it are ours to name."""

    room_name: str | None = Field(default=None, description="None but the interview's id.")


class LiveKitTokenOut(BaseModel):
    server_url: str
    participant_token: str = Field(
        description="Opens the interview's room, once, within two minutes."
    )


class TurnOut(BaseModel):
    number: int
    id: UUID
    question_id: UUID | None
    revision: int | None
    speaker: Speaker
    kind: TurnKind
    purpose: TurnPurpose
    text: str = Field(description="What is shown and graded: key terms repaired.")
    raw_text: str | None = Field(description="What the recogniser heard.")
    started_at: datetime
    ended_at: datetime
    interrupted: bool
    audio_url: str | None


class TranscriptOut(BaseModel):
    interview_id: UUID
    complete: bool = Field(description="Nothing more will be said.")
    turns: list[TurnOut]


class ConductOut(BaseModel):
    """The recording of the whole interview and its figures, which are about the interviewer."""

    interview_id: UUID
    recording_url: str
    duration_ms: int
    complete: bool = Field(description="It misses nothing of what was said to an interviewer.")
    parts: list[Part] = Field(
        description="Where each conversation begins in it; a break of more than 30 s is cut to 30."
    )
    conduct: Conduct | None = Field(description="Null until, or unless, it was measured.")


class ReportVersions(BaseModel):
    versions: list[int] = Field(description="Rising; the last one is the newest.")


class QuestionOut(BaseModel):
    question_id: UUID
    slug: str
    version: int
    topic: str
    difficulty: Difficulty
    prompt: str
    time_limit_s: int


class QuestionList(BaseModel):
    items: list[QuestionOut]


class Event(BaseModel):
    """One change. `state_version` tells whether the interview must be read again."""

    id: int
    kind: Literal["state", "turn"]
    state_version: int
    turn: TurnOut | None = None


class RoomToken(BaseModel):
    """On the WebSocket, to the page that holds the interview: it opens its LiveKit room again."""

    kind: Literal["token"] = "token"
    epoch: int
    admission: int
    url: str
    token: str


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    ready: bool
    degraded: bool = Field(
        description="A provider is left alone for now; what stands behind it serves."
    )
    parts: dict[str, str] = Field(description="Each part: `ok`, or one line on what is wrong.")
