"""The recording of a whole interview, joined from those of its conversations, and its figures.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE recordings ADD COLUMN parts JSONB, ADD COLUMN conduct JSONB")
    op.execute(
        "CREATE UNIQUE INDEX uq_recordings_whole ON recordings (interview_id)"
        " WHERE parts IS NOT NULL"
    )


def downgrade() -> None:
    """A whole recording is made of what stays; without its parts it would pass for one of them."""
    op.execute("DELETE FROM recordings WHERE parts IS NOT NULL")
    op.execute("ALTER TABLE recordings DROP COLUMN parts, DROP COLUMN conduct")
