"""How the experiments' pictures look: one style, and SVG that runs no script."""

from __future__ import annotations

from typing import Any, Final
from xml.etree import ElementTree as ET

from pygal.style import Style

_GUIDE: Final = "#dfe4ea"


def style(**more: Any) -> Style:
    """What all share, and what one picture adds."""
    return Style(
        background="#ffffff",
        plot_background="#ffffff",
        font_family="sans-serif",
        guide_stroke_color=_GUIDE,
        major_guide_stroke_color=_GUIDE,
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=14,
        title_font_size=15,
        **more,
    )


def without_script(root: Any) -> str:
    """A rendered chart as text that a page of the repository shows as it is."""
    tree = ET.fromstring(ET.tostring(root, encoding="unicode"))
    for parent in tree.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[2] == "script":
                parent.remove(child)
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(tree, encoding="unicode")
