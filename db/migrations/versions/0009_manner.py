"""The voice and the English of an interview, where whoever started it named them.

Revision ID: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE interviews ADD COLUMN voice TEXT, ADD COLUMN language TEXT")


def downgrade() -> None:
    op.execute("ALTER TABLE interviews DROP COLUMN voice, DROP COLUMN language")
