"""What calls to providers used, for each interview.

Revision ID: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE cost_entries (
            id UUID NOT NULL,
            interview_id UUID NOT NULL,
            purpose TEXT NOT NULL,
            model TEXT NOT NULL,
            tokens_in INTEGER NOT NULL,
            tokens_out INTEGER NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT pk_cost_entries PRIMARY KEY (id),
            CONSTRAINT fk_cost_entries_interview_id FOREIGN KEY (interview_id)
                REFERENCES interviews (id) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX ix_cost_entries_interview_id ON cost_entries (interview_id)")


def downgrade() -> None:
    op.execute("DROP TABLE cost_entries")
