"""Interviews that staff may listen to while they go on, and who did.

Revision ID: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE interviews ADD COLUMN live_listening BOOLEAN DEFAULT false NOT NULL")
    op.execute(
        """
        CREATE TABLE live_listeners (
            id UUID NOT NULL,
            interview_id UUID NOT NULL,
            role TEXT NOT NULL,
            api_key_id UUID,
            who TEXT,
            admitted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT pk_live_listeners PRIMARY KEY (id),
            CONSTRAINT fk_live_listeners_interview_id
                FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX ix_live_listeners_interview_id ON live_listeners (interview_id)")


def downgrade() -> None:
    op.execute("DROP TABLE live_listeners")
    op.execute("ALTER TABLE interviews DROP COLUMN live_listening")
