"""The docs' page of figures: what its table says, and what its picture shows."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from bench.figures import Figure, Machine
from bench.page import drawn, put, share_of_goal, table
from bench.run import Results

QUICK = Figure(name="reply", value=0.5, unit="s", at_most=1.0, count=40)
SLOW = Figure(name="engine", value=0.6, unit="x", at_least=0.9, count=5, low=0.5, high=0.7)
PRINTED = Figure(name="density", value=1.5, unit="")


def results(**other: object) -> Results:
    machine = Machine(
        processor="a processor",
        cores=2,
        memory_gb=25.0,
        python="3.11.7",
        system="Linux",
        load_average=0.1,
        taken_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    return Results.model_validate(
        {"machine": machine, "short": False, "figures": [QUICK, SLOW, PRINTED], **other}
    )


def test_the_table_says_what_was_met_and_what_was_missed() -> None:
    lines = table(results(failed={"soak": "no worker"})).splitlines()
    assert "| reply | 40 | 0.5 s | ≤ 1 s | met |" in lines
    assert "| engine | 5 | 0.6 x [0.5, 0.7] | ≥ 0.9 x | **missed** |" in lines
    assert "| density | 1 | 1.5 |  |  |" in lines
    assert "| soak | 0 | failed: no worker | | |" in lines
    assert "a processor, 2 cores, 25 GB, Python 3.11.7, 24 Nov 2026." in lines


@pytest.mark.parametrize(("figure", "share"), [(QUICK, 0.5), (SLOW, 1.5), (PRINTED, None)])
def test_a_figure_beyond_its_goal_has_a_share_above_one(
    figure: Figure, share: float | None
) -> None:
    assert share_of_goal(figure) == share


def test_the_picture_shows_each_goal_and_runs_no_script() -> None:
    svg = drawn([QUICK, SLOW, PRINTED])
    ET.fromstring(svg)
    assert "reply" in svg
    assert "engine" in svg
    assert "density" not in svg
    assert "<script" not in svg


def test_only_the_table_of_the_page_is_made_anew() -> None:
    page = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"
    assert put(page, "new") == "before\n<!-- figures -->\nnew\n<!-- /figures -->\nafter\n"
    with pytest.raises(ValueError, match="substring not found"):
        put("no marks", "new")
