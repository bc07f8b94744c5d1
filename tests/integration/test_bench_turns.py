"""The turn-taking benchmark's short run, with the real models."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from bench.turns.deciding import Detector
from bench.turns.run import run_bench_turns
from bench.turns.thinkers import ANSWERS_EACH


@pytest.mark.timeout(600)
def test_a_short_run_writes_page_data_and_picture(tmp_path: Path) -> None:
    report = run_bench_turns(Console(quiet=True), answers=10, seed=1, folder=tmp_path)
    assert report.default.answers.count == ANSWERS_EACH
    assert [curve.detector for curve in report.curves] == list(Detector)
    assert json.loads((tmp_path / "turns.json").read_text())["figures"]
    page = (tmp_path / "turns.html").read_text()
    assert all(figure.name in page for figure in report.figures)
    assert "<script" not in page
    assert ET.parse(tmp_path / "turns.svg").getroot().tag.endswith("svg")
    waits = {curve.detector: [point.mean_s for point in curve.points] for curve in report.curves}
    assert waits[Detector.SILENCE] == sorted(waits[Detector.SILENCE])
