"""What speech providers are paid by: seconds heard, characters spoken.

Revision ID: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE cost_entries
            ADD COLUMN audio_s DOUBLE PRECISION DEFAULT 0 NOT NULL,
            ADD COLUMN characters INTEGER DEFAULT 0 NOT NULL
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE cost_entries DROP COLUMN audio_s, DROP COLUMN characters")
