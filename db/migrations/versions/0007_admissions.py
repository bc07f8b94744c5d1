"""Joins into a LiveKit room are numbered, and neither a token nor an SDP answer is kept.

Replies that were kept under an `Idempotency-Key` held LiveKit's tokens, or a bot's addresses: they
go, and the key with them, so that the same call is a new join.

Revision ID: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE interviews ADD COLUMN admissions INTEGER DEFAULT 0 NOT NULL")
    op.execute("DELETE FROM idempotency_keys WHERE position('token\":\"eyJ'::bytea IN body) > 0")
    op.execute("DELETE FROM idempotency_keys WHERE position('\"answer\"'::bytea IN body) > 0")


def downgrade() -> None:
    op.execute("ALTER TABLE interviews DROP COLUMN admissions")
