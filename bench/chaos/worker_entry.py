"""A worker of the product's, with crash points.

`python -m bench.chaos.worker_entry NAME QUEUES READY`: the name of the part that it is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from temporalio.client import Client
from temporalio.runtime import Runtime

import connections
import worker
from bench.chaos.bugs import from_environment
from bench.chaos.hooks import listen_to_files, listen_to_sql, pointed
from bench.chaos.outer_hooks import listen_outside
from bench.chaos.points import Points
from settings import Settings


def main() -> None:
    points, bug = Points.from_environment(sys.argv[1]), from_environment()
    listen_to_sql(points)
    listen_to_files(points)
    listen_outside(points, os.environ)

    async def connect(settings: Settings, runtime: Runtime | None) -> Client:
        sound = await connections.temporal_client(settings, runtime)
        return bug.infected(pointed(sound, points))

    worker.run(
        sys.argv[2].split(","), Path(sys.argv[3]), connect=connect, open_store=bug.open_store
    )


if __name__ == "__main__":
    main()
