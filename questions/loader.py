"""Loads question files, all or nothing, and says every fault with its file and line.

A file (YAML, or JSON, which is YAML) is a mapping with `questions` and, for all of them, `topic`;
a question may name its own `topic`. Fields are those of `contracts.questions.Question`; durations
are written "4m", "90s" or "2m30s". CSV has one row per key point (`rows.COLUMNS`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.errors import InvalidBank
from contracts.questions import Question
from questions import wording
from questions.problems import Problem, Weight, errors
from questions.rows import read_csv
from questions.sources import Place, Source, read_yaml

BANK_FOLDER: Final = Path(__file__).parent / "bank"
_DURATION: Final = re.compile(r"(?:(\d{1,3})m)?(?:(\d{1,4})s)?")
_TOP_FIELDS: Final = {"topic", "questions"}


def load(source: Path | str) -> tuple[Question, ...]:
    """The questions of a file, of every file in a folder (a Path), or of a YAML text (a str).

    Raises InvalidBank, whose detail lists every fault as "file:line: what", one per line.
    """
    questions, problems = _examine(source)
    if found := errors(problems):
        raise InvalidBank("\n".join(map(str, found)))
    return questions


def check(source: Path | str) -> tuple[Problem, ...]:
    """Every problem by file and line: errors, which `load` refuses, and advice, which passes."""
    return _examine(source)[1]


@cache
def starter_bank() -> tuple[Question, ...]:
    """The questions that ship with the product."""
    return load(BANK_FOLDER)


def _examine(source: Path | str) -> tuple[tuple[Question, ...], tuple[Problem, ...]]:
    problems: list[Problem] = []
    questions: list[Question] = []
    seen: dict[str, str] = {}
    for document in _documents(source):
        for question, place in _questions(document):
            here = f"{document.file}:{document.line(place)}"
            if question.slug in seen:
                taken = f"slug '{question.slug}' is taken at {seen[question.slug]}"
                document.blame((*place, "slug"), taken)
            seen.setdefault(question.slug, here)
            questions.append(question)
            document.problems.extend(_advice(question, document, place))
        problems.extend(document.problems)
    return tuple(questions), tuple(sorted(problems))


def _documents(source: Path | str) -> Iterator[Source]:
    if isinstance(source, str):
        yield read_yaml(source, "text")
        return
    paths = sorted(source.glob("*.y*ml")) if source.is_dir() else [source]
    if not paths:
        yield _unreadable(source.name, "the folder has no .yaml file")
    for path in paths:
        yield _document(path)


def _document(path: Path) -> Source:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return _unreadable(path.name, "the file is not UTF-8")
    except OSError as error:
        return _unreadable(path.name, f"cannot be read: {error.strerror}")
    read = read_csv if path.suffix.lower() == ".csv" else read_yaml
    return read(text, path.name)


def _unreadable(file: str, why: str) -> Source:
    return Source(file, problems=[Problem(file, 1, why)])


def _questions(document: Source) -> Iterator[tuple[Question, Place]]:
    """The valid questions of one document; what is wrong goes to its problems."""
    for entry, place in _entries(document):
        if isinstance(entry, dict):
            if question := _question(entry, document, place):
                yield question, place
        else:
            document.blame(place, "a question must be a mapping")


def _entries(document: Source) -> Iterator[tuple[Any, Place]]:
    top = document.value
    if not isinstance(top, dict):
        if not document.problems:
            document.blame((), "the file must be a mapping with 'topic' and 'questions'")
        return
    for name in top.keys() - _TOP_FIELDS:
        document.blame((name,), f"unknown field '{name}'")
    entries = top.get("questions")
    if not isinstance(entries, list) or not entries:
        document.blame(("questions",), "'questions' must be a list of at least one question")
        return
    for at, entry in enumerate(entries):
        shared = {"topic": top["topic"]} if "topic" in top else {}
        yield (shared | entry if isinstance(entry, dict) else entry), ("questions", at)


def _question(entry: dict[str, Any], document: Source, place: Place) -> Question | None:
    if "time_limit" in entry:
        entry = entry | {"time_limit": _duration(entry["time_limit"])}
    try:
        question = Question.model_validate(entry)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            told = _in_words(fault["type"], fault["loc"], fault["msg"])
            document.blame((*place, *fault["loc"]), told)
        return None
    before = len(document.problems)
    _judge(question, document, place)
    return question if len(document.problems) == before else None


def _duration(written: Any) -> timedelta | str:
    """What cannot be read stays a text that pydantic refuses at its line."""
    match = _DURATION.fullmatch(written) if isinstance(written, str) and written else None
    if match is None:
        return "not a duration"
    minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(minutes=minutes, seconds=seconds)


def _in_words(kind: str, loc: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)
    if kind == "extra_forbidden":
        return f"unknown field '{name}'"
    if kind == "missing":
        return f"field '{name}' is missing"
    if kind.startswith("time_delta"):
        return f"'{name}' must be a duration such as 4m or 90s"
    return f"'{name}': {message[:1].lower()}{message[1:]}"


def _judge(question: Question, document: Source, place: Place) -> None:
    """Errors that the types alone do not show."""
    if any(map(wording.has_control, wording.texts(question))):
        document.blame(place, "a text holds a control character")
    if not timedelta(seconds=15) <= question.time_limit <= timedelta(minutes=60):
        document.blame((*place, "time_limit"), "'time_limit' must be between 15s and 60m")
    ids: set[str] = set()
    for at, point in enumerate(question.key_points):
        here = (*place, "key_points", at)
        if point.id in ids:
            document.blame((*here, "id"), f"key point '{point.id}' stands twice in this question")
        ids.add(point.id)
        if wording.leak_share(question, point) > wording.LEAK_SHARE:
            leak = f"the follow-up gives its key point '{point.id}' away"
            document.blame((*here, "follow_up"), leak)


def _advice(question: Question, document: Source, place: Place) -> Iterator[Problem]:
    for where, text in _advised(question):
        yield Problem(document.file, document.line((*place, *where)), text, Weight.ADVICE)


def _advised(question: Question) -> Iterable[tuple[Place, str]]:
    for name in ("prompt", "rephrased"):
        if fault := wording.unspeakable(getattr(question, name)):
            yield (name,), f"{name}: {fault}"
    for at, point in enumerate(question.key_points):
        if point.follow_up and (fault := wording.unspeakable(point.follow_up)):
            yield ("key_points", at, "follow_up"), f"follow_up: {fault}"
        if wording.cover_share(question, point) < wording.COVER_SHARE:
            yield ("model_answer",), f"the model answer does not cover key point '{point.id}'"
    for at, term in enumerate(question.key_terms):
        if not wording.occurs(term, question):
            yield ("key_terms", at), f"key term '{term}' occurs nowhere in the question"
