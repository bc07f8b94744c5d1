"""The picture of a kill report: the bound of each step, as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, Protocol

_WIDTH, _ROW, _TOP, _LEFT, _BAR = 820, 26, 58, 190, 330
_STYLE: Final = (
    "text{font:13px sans-serif;fill:#1b1f24}.t{font-size:15px;font-weight:600}"
    ".s{fill:#57606a}.b{fill:#3b6ea8}.l{fill:#a40e26}"
)


class Bar(Protocol):
    """`upper` is a share between 0 and 1."""

    @property
    def name(self) -> str: ...
    @property
    def trials(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def upper(self) -> float: ...


def drawn(title: str, bars: Sequence[Bar]) -> str:
    """A bar for each, as long as its bound; the longest fills the width."""
    longest = max((bar.upper for bar in bars), default=1.0)
    height = _TOP + _ROW * len(bars) + 12
    rows = "".join(_row(number, bar, longest) for number, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
        f'<text class="t" x="12" y="24">{escape(title)}</text>'
        '<text class="s" x="12" y="44">the rate of loss is at most, at 95 %</text>'
        f"{rows}</svg>\n"
    )


def _row(number: int, bar: Bar, longest: float) -> str:
    top = _TOP + _ROW * number
    length = max(2, round(_BAR * bar.upper / longest))
    kind, middle = "l" if bar.failures else "b", top + 16
    told = f"{bar.upper:.1%}: lost in {bar.failures} of {bar.trials}"
    return (
        f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(bar.name)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{top + 3}" width="{length}" height="{_ROW - 8}"/>'
        f'<text class="s" x="{_LEFT + length + 8}" y="{middle}">{told}</text>'
    )
