"""A worker process ends, whatever is left in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_task_that_heeds_no_cancellation_does_not_keep_the_process(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.wedged_worker"],
        cwd=ROOT,
        env={**os.environ, **nowhere, "TEMPORAL_ADDRESS": "127.0.0.1:9"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert b"database" in ended.stderr
