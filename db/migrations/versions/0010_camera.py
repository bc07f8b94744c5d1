"""Interviews whose candidate may show a picture to staff who listen live. No picture is kept.

Revision ID: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE interviews ADD COLUMN camera BOOLEAN DEFAULT false NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE interviews DROP COLUMN camera")
