"""Turns pygal's SVG into plain shapes and words with presentation attributes.

pygal lays out bars, axes and legend well, and writes a script, a style sheet, tool tips and random
ids around them. Here only what is seen is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

_SVG: Final = "http://www.w3.org/2000/svg"
_INK: Final = "#1d2733"
_RULE: Final = "#8793a3"
_GUIDE: Final = "#dfe4ea"
_PALE_FILLS: Final = {"#dfe4ea", "#9db4cc"}  # dark words on these, light ones on the others
_DROPPED_CLASSES: Final = {"background", "overlay", "text-overlay", "tooltip-overlay", "titles"}
_DROPPED_TAGS: Final = {"defs", "title", "desc", "script", "style"}
_GEOMETRY: Final = {"x", "y", "width", "height", "d", "transform", "viewBox"}


@dataclass(frozen=True)
class Dress:
    """`colours` by series. Values stand inside the bars, or at the end of each row's last bar."""

    colours: tuple[str, ...]
    font: str
    values_inside: bool


@dataclass(frozen=True)
class Drawing:
    root: ET.Element

    def labelled(self, name: str, title: str, alt: str) -> str:
        """The SVG's text, with a name and a description for who cannot see it."""
        self.root.set("role", "img")
        self.root.set("aria-labelledby", f"{name}-title {name}-alt")
        for at, (tag, text) in enumerate((("title", title), ("desc", alt))):
            element = ET.Element(tag, {"id": f"{name}-{'alt' if at else tag}"})
            element.text = text
            self.root.insert(at, element)
        return ET.tostring(self.root, encoding="unicode")


def dressed(svg: str, dress: Dress) -> Drawing:
    """`svg` is what pygal just wrote."""
    source = ET.fromstring(svg)  # noqa: S314 - no text from outside: pygal escaped its labels
    root = _Dresser(dress).copy(source, 0)
    if root is None:
        raise ValueError("the drawing is empty")
    root.set("xmlns", _SVG)
    return Drawing(root)


class _Dresser:
    def __init__(self, dress: Dress) -> None:
        self._dress = dress

    def copy(self, source: ET.Element, series: int) -> ET.Element | None:
        tag = source.tag.rpartition("}")[2]
        classes = set((source.get("class") or "").split())
        if tag in _DROPPED_TAGS or classes & _DROPPED_CLASSES:
            return None
        series = _series_of(classes, series)
        element = ET.Element(tag, {k: v for k, v in source.attrib.items() if k in _GEOMETRY})
        element.attrib.update(self._paint(tag, classes, series))
        element.text = source.text
        for child in source:
            copied = self.copy(child, series)
            if copied is not None:
                element.append(copied)
        if "bar" in classes:
            _slimmed(element)
            element.extend(self._value(source, series))
        return element

    def _paint(self, tag: str, classes: set[str], series: int) -> dict[str, str]:
        if tag == "rect":
            return {"fill": self._dress.colours[series]}
        if tag == "path":
            major = "axis" in classes
            return {"fill": "none", "stroke": _RULE if major else _GUIDE, "stroke-width": "1"}
        if tag == "text":
            return {"font-family": self._dress.font, "font-size": "13", "fill": _INK}
        if tag == "g" and classes & {"x", "y"}:
            return {"text-anchor": "middle" if "x" in classes else "end"}
        return {}

    def _value(self, source: ET.Element, series: int) -> Iterator[ET.Element]:
        """The number that belongs to a bar, written where it can be read."""
        bar = source.find(f"{{{_SVG}}}rect")
        told = source.find(f"{{{_SVG}}}desc[@class='label']")
        if bar is None or told is None or told.text is None:
            return
        x, y, width, height = (float(bar.get(name, "0")) for name in ("x", "y", "width", "height"))
        inside = self._dress.values_inside
        if inside and width < 9 * len(told.text):
            return
        dark = not inside or self._dress.colours[series] in _PALE_FILLS
        text = ET.Element(
            "text",
            {
                "x": f"{x + width / 2 if inside else x + width + 6:.1f}",
                "y": f"{y + height / 2 + 4.5:.1f}",
                "font-family": self._dress.font,
                "font-size": "13",
                "font-weight": "bold",
                "fill": _INK if dark else "#ffffff",
                "text-anchor": "middle" if inside else "start",
            },
        )
        text.text = told.text
        yield text


def _slimmed(bar: ET.Element) -> None:
    """Leaves air between the rows."""
    for rect in bar.iter("rect"):
        y, height = float(rect.get("y", "0")), float(rect.get("height", "0"))
        rect.set("y", f"{y + height * 0.17:.1f}")
        rect.set("height", f"{height * 0.66:.1f}")


def _series_of(classes: set[str], otherwise: int) -> int:
    numbers = (name.partition("-")[2] for name in classes if name.startswith(("serie-", "color-")))
    return next((int(number) for number in numbers if number.isdigit()), otherwise)
