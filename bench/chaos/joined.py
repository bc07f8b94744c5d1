"""One report of several runs: `python -m bench.chaos.joined FOLDER REPORT...`.

For runs of the same product and judge: pinpoint trials, spoken interviews and a storm may have been
held apart. What a run that was cut short left behind in `trials.jsonl` is not read: it has no
report.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.chaos.report import Report, report_of, write


def joined(reports: Sequence[Report]) -> Report:
    """Raises ValueError for none, or for runs of different commits."""
    if len({each.commit for each in reports}) != 1:
        raise ValueError("these are not runs of one commit")
    first = reports[0]
    return report_of(
        {point: times for each in reports for point, times in each.points.items()},
        [trial for each in reports for trial in each.trials],
        [storm for each in reports for storm in each.storms],
        [told for each in reports for told in each.left],
        seeds=tuple(seed for each in reports for seed in each.seeds),
        machine=first.machine,
        version=first.version,
        commit=first.commit,
        took_s=round(sum(each.took_s for each in reports), 1),
    )


def main() -> None:
    folder, *paths = map(Path, sys.argv[1:])
    reports = [Report.model_validate_json((path / "chaos.json").read_bytes()) for path in paths]
    for path in write(joined(reports), folder):
        print(path)


if __name__ == "__main__":
    main()
