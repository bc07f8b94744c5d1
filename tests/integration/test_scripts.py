"""The scripts that `make` runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_browser_that_does_not_open_is_refused_with_what_to_do() -> None:
    done = subprocess.run(
        ["scripts/browser.sh"],
        cwd=ROOT,
        env={**os.environ, "CODEVOICE_CHROMIUM": "/bin/false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "/bin/false does not open" in done.stderr
    assert "CODEVOICE_CHROMIUM=" in done.stderr
    assert "Traceback" not in done.stderr
