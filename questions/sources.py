"""Reads YAML (and JSON, which is YAML) into plain values that remember their lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from questions.problems import Problem

#: A place inside a document: keys and list positions from the root.
Place = tuple[str | int, ...]

#: Far above any bank; keeps a wrong file from filling the memory.
LARGEST_FILE_CHARS: Final = 4_000_000


@dataclass
class Source:
    """One document. `value` is None when nothing could be read; `problems` then says why."""

    file: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it that stands in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def blame(self, place: Place, text: str) -> None:
        self.blame_line(self.line(place), text)

    def blame_line(self, line: int, text: str) -> None:
        self.problems.append(Problem(self.file, line, text))


def read_yaml(text: str, file: str) -> Source:
    source = Source(file)
    if len(text) > LARGEST_FILE_CHARS:
        source.blame((), f"the file is larger than {LARGEST_FILE_CHARS:,} characters")
        return source
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        source.blame_line(
            mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}"
        )
    except YAMLError as error:
        source.blame_line(_reader_line(error, text), "not YAML: a forbidden character")
    except RecursionError:
        source.blame((), "not YAML: nested too deeply")
    else:
        if root is not None:
            source.value = _Plain(source).value(root, ())
    return source


def _reader_line(error: YAMLError, text: str) -> int:
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


class _Plain:
    """Turns composed nodes into plain values, noting the line of every place."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen: set[int] = set()

    def value(self, node: Node, place: Place) -> Any:
        self._source.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._source.blame(place, "aliases are not used in question files; write the text out")
            return None
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*place, at)) for at, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*place, key)
            if key in found:
                self._source.blame_line(key_node.start_mark.line + 1, f"field '{key}' stands twice")
                continue
            self._source.lines[here] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, here)
        return found


def _scalar(node: Node) -> Any:
    kind = str(node.tag).rsplit(":", 1)[-1]
    text = str(node.value)
    if kind == "null":
        return None
    if kind in ("int", "float"):
        return _number(text)
    return text.strip()


def _number(text: str) -> float | str:
    """A number as pydantic takes it; what Python cannot read stays a text, to be refused there."""
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        return text
