"""The product's HTTP service with crash points: `python -m bench.chaos.api_entry`."""

from __future__ import annotations

import os

import uvicorn
from temporalio.client import Client

import connections
from api import waiting_for_temporal
from api.app import create_app, listening
from bench.chaos.bugs import from_environment
from bench.chaos.hooks import HttpPoints, listen_to_sql, pointed
from bench.chaos.outer_hooks import listen_outside
from bench.chaos.points import Points
from settings import load


def main() -> None:
    points, bug = Points.from_environment("api"), from_environment()
    listen_to_sql(points)
    listen_outside(points, os.environ)
    settings = load()
    connections.configure_log(settings.log_level)

    async def connect(address: str, namespace: str) -> Client:
        sound = await waiting_for_temporal.client(address, namespace)
        return bug.infected(pointed(sound, points))

    app = HttpPoints(create_app(settings, connect=connect, open_store=bug.open_store), points)
    with listening(settings.host, settings.port) as taken:
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3)
        uvicorn.Server(config).run(sockets=[taken])


if __name__ == "__main__":
    main()
