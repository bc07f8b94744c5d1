"""What each worker says of the providers it uses.

Revision ID: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE provider_states (
            worker_id UUID NOT NULL,
            provider TEXT NOT NULL,
            trouble TEXT,
            told_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT pk_provider_states PRIMARY KEY (worker_id, provider)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE provider_states")
