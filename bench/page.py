"""What `make bench` leaves for the docs: `python -m bench.page RESULTS DOCS_PAGE PICTURE`.

The page's table is between two marks and is made anew; the rest of the page is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.drawing import style, without_script
from bench.figures import Figure
from bench.run import Results

_BEGIN: Final = "<!-- figures -->"
_END: Final = "<!-- /figures -->"


def table(results: Results) -> str:
    """Every figure in Markdown, with its goal; then the machine."""
    lines = ["| measure | n | value | goal | |", "|---|--:|--:|--:|---|"]
    lines += [
        f"| {figure.name} | {figure.count} | {figure.shown} | {_goal(figure)} | {_met(figure)} |"
        for figure in results.figures
    ]
    lines += [f"| {name} | 0 | failed: {why} | | |" for name, why in results.failed.items()]
    machine = results.machine
    lines += [
        "",
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:g} GB, "
        f"Python {machine.python}, {machine.taken_at:%d %b %Y}.",
    ]
    return "\n".join(lines)


def share_of_goal(figure: Figure) -> float | None:
    """1 is at the goal, less is better, whichever way the goal points; None without a goal."""
    if figure.at_most:
        return round(figure.value / figure.at_most, 3)
    if figure.at_least and figure.value > 0:
        return round(figure.at_least / figure.value, 3)
    return None


def drawn(figures: Sequence[Figure]) -> str:
    """A bar for each figure that has a goal, as a share of it, red beyond it; as plain SVG."""
    import pygal

    shares = [(figure, share) for figure in figures if (share := share_of_goal(figure)) is not None]
    chart = pygal.HorizontalBar(
        style=style(),
        js=[],
        width=900,
        height=120 + 24 * len(shares),
        title="share of the goal (1 = the goal; less is better)",
        show_legend=False,
        range=(0, max([1.2, *(share for _, share in shares)])),
        truncate_label=-1,
    )
    chart.uuid = "bench"
    chart.x_labels = [figure.name for figure, _ in reversed(shares)]
    chart.add(
        "share of the goal",
        [
            {"value": share, "color": "#1f6f4a" if figure.met else "#b3261e"}
            for figure, share in reversed(shares)
        ],
    )
    return without_script(chart.render_tree())


def put(page: str, made: str) -> str:
    """The page with its table replaced. Raises ValueError where the marks are not in it."""
    before, after = page.index(_BEGIN) + len(_BEGIN), page.index(_END)
    return f"{page[:before]}\n{made}\n{page[after:]}"


def _goal(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"≥ {figure.at_least:g} {figure.unit}".rstrip()
    return "" if figure.at_most is None else f"≤ {figure.at_most:g} {figure.unit}".rstrip()


def _met(figure: Figure) -> str:
    return {None: "", True: "met", False: "**missed**"}[figure.met]


def main() -> None:
    results_path, page_path, picture_path = map(Path, sys.argv[1:])
    results = Results.model_validate_json(results_path.read_text())
    page_path.write_text(put(page_path.read_text(), table(results)))
    picture_path.write_text(drawn(results.figures))


if __name__ == "__main__":
    main()
