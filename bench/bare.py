"""What the product is measured against: a bare update, one row, one primary-key SELECT.

`python -m bench.bare DATABASE_URL TEMPORAL_ADDRESS PORT` serves both endpoints and polls the bare
workflow's queue, in a process of its own as the product's are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import Client
from temporalio.worker import Worker

from bench.bare_workflow import QUEUE, Bare
from db.database import psycopg_url

TABLE = "CREATE TABLE IF NOT EXISTS bare_rows (id uuid PRIMARY KEY, body text NOT NULL)"
INSERT = text("INSERT INTO bare_rows (id, body) VALUES (:id, :body) ON CONFLICT DO NOTHING")
SELECT = text("SELECT id, body FROM bare_rows WHERE id = :id")


def create_bare_app(database_url: str, temporal_address: str) -> FastAPI:
    """`POST /bare/{workflow}/{row}`: one insert, one update. `GET /bare/{row}`: one SELECT."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.engine = create_async_engine(psycopg_url(database_url))
        async with app.state.engine.begin() as connection:
            await connection.execute(text(TABLE))
        app.state.client = await Client.connect(temporal_address)
        async with Worker(app.state.client, task_queue=QUEUE, workflows=[Bare]):
            yield
        await app.state.engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/bare/{workflow_id}/{row_id}")
    async def record(workflow_id: str, row_id: UUID, body: dict[str, str]) -> dict[str, int]:
        async with app.state.engine.begin() as connection:
            await connection.execute(INSERT, {"id": row_id, "body": body["text"]})
        handle = app.state.client.get_workflow_handle(workflow_id)
        return {"count": await handle.execute_update(Bare.record, str(row_id), id=str(row_id))}

    @app.get("/bare/{row_id}")
    async def read(row_id: UUID) -> dict[str, str]:
        async with app.state.engine.connect() as connection:
            row = (await connection.execute(SELECT, {"id": row_id})).one()
        return {"id": str(row.id), "body": row.body}

    return app


if __name__ == "__main__":
    address, temporal, port = sys.argv[1:4]
    server = uvicorn.Server(
        uvicorn.Config(create_bare_app(address, temporal), port=int(port), log_level="warning")
    )
    asyncio.run(server.serve())
