"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


_TABLES = """\
CREATE TABLE organisations (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (id)
);

CREATE TABLE questions (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_questions PRIMARY KEY (id),
    CONSTRAINT uq_questions_slug UNIQUE (slug)
);

CREATE TABLE api_keys (
    id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    name TEXT NOT NULL,
    key_sha256 BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT fk_api_keys_organisation_id
        FOREIGN KEY(organisation_id) REFERENCES organisations (id) ON DELETE CASCADE,
    CONSTRAINT uq_api_keys_key_sha256 UNIQUE (key_sha256)
);
CREATE INDEX ix_api_keys_organisation_id ON api_keys (organisation_id);

CREATE TABLE candidates (
    id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    name TEXT,
    email TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_candidates PRIMARY KEY (id),
    CONSTRAINT fk_candidates_organisation_id
        FOREIGN KEY(organisation_id) REFERENCES organisations (id) ON DELETE CASCADE
);
CREATE INDEX ix_candidates_organisation_id ON candidates (organisation_id);

CREATE TABLE idempotency_keys (
    organisation_id UUID NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    claim_id UUID NOT NULL,
    status INTEGER,
    body BYTEA,
    headers JSONB,
    claimed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (organisation_id, key),
    CONSTRAINT fk_idempotency_keys_organisation_id
        FOREIGN KEY(organisation_id) REFERENCES organisations (id) ON DELETE CASCADE
);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE question_versions (
    id UUID NOT NULL,
    question_id UUID NOT NULL,
    version INTEGER NOT NULL,
    content JSONB NOT NULL,
    content_sha256 BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_question_versions PRIMARY KEY (id),
    CONSTRAINT uq_question_versions_question_id_version UNIQUE (question_id, version),
    CONSTRAINT fk_question_versions_question_id
        FOREIGN KEY(question_id) REFERENCES questions (id) ON DELETE CASCADE
);

CREATE TABLE interviews (
    id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    candidate_id UUID NOT NULL,
    status TEXT NOT NULL,
    state_version INTEGER NOT NULL,
    snapshot JSONB NOT NULL,
    start JSONB NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    patience_s DOUBLE PRECISION NOT NULL,
    report_to_candidate BOOLEAN NOT NULL,
    seed BIGINT,
    idempotency_key TEXT,
    token_generation INTEGER DEFAULT '1' NOT NULL,
    fence_epoch INTEGER DEFAULT '0' NOT NULL,
    fence_attempt INTEGER DEFAULT '1' NOT NULL,
    last_alive_at TIMESTAMP WITH TIME ZONE,
    turn_count INTEGER DEFAULT '0' NOT NULL,
    workflow_started_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_interviews PRIMARY KEY (id),
    CONSTRAINT uq_interviews_organisation_id_idempotency_key
        UNIQUE (organisation_id, idempotency_key),
    CONSTRAINT fk_interviews_organisation_id
        FOREIGN KEY(organisation_id) REFERENCES organisations (id) ON DELETE CASCADE,
    CONSTRAINT fk_interviews_candidate_id
        FOREIGN KEY(candidate_id) REFERENCES candidates (id) ON DELETE CASCADE
);
CREATE INDEX ix_interviews_candidate_id ON interviews (candidate_id);
CREATE INDEX ix_interviews_organisation_id_status_id ON interviews (organisation_id, status, id);
CREATE INDEX ix_interviews_without_workflow ON interviews (created_at)
        WHERE workflow_started_at IS NULL;

CREATE TABLE answers (
    id UUID NOT NULL,
    interview_id UUID NOT NULL,
    question_id UUID NOT NULL,
    revision INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    text TEXT NOT NULL,
    last_turn INTEGER NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_answers PRIMARY KEY (id),
    CONSTRAINT uq_answers_interview_id_question_id_revision
        UNIQUE (interview_id, question_id, revision),
    CONSTRAINT fk_answers_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE,
    CONSTRAINT fk_answers_question_id FOREIGN KEY(question_id) REFERENCES question_versions (id)
);

CREATE TABLE consents (
    id UUID NOT NULL,
    interview_id UUID NOT NULL,
    text_version TEXT NOT NULL,
    consented_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_consents PRIMARY KEY (id),
    CONSTRAINT uq_consents_interview_id_text_version UNIQUE (interview_id, text_version),
    CONSTRAINT fk_consents_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
);

CREATE TABLE interview_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    interview_id UUID NOT NULL,
    kind TEXT NOT NULL,
    state_version INTEGER NOT NULL,
    turn_number INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_interview_events PRIMARY KEY (id),
    CONSTRAINT fk_interview_events_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
);
CREATE INDEX ix_interview_events_interview_id_id ON interview_events (interview_id, id);

CREATE TABLE offers (
    id UUID NOT NULL,
    interview_id UUID NOT NULL,
    sdp TEXT NOT NULL,
    answer_sdp TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_offers PRIMARY KEY (id),
    CONSTRAINT fk_offers_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
);
CREATE INDEX ix_offers_created_at ON offers (created_at);
CREATE INDEX ix_offers_interview_id ON offers (interview_id);

CREATE TABLE recordings (
    id UUID NOT NULL,
    interview_id UUID NOT NULL,
    url TEXT NOT NULL,
    epoch INTEGER,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_ms INTEGER,
    complete BOOLEAN,
    CONSTRAINT pk_recordings PRIMARY KEY (id),
    CONSTRAINT fk_recordings_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
);
CREATE INDEX ix_recordings_interview_id ON recordings (interview_id);

CREATE TABLE reports (
    id UUID NOT NULL,
    interview_id UUID NOT NULL,
    version INTEGER NOT NULL,
    payload JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_reports PRIMARY KEY (id),
    CONSTRAINT uq_reports_interview_id_version UNIQUE (interview_id, version),
    CONSTRAINT fk_reports_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
);

CREATE TABLE turns (
    id UUID NOT NULL,
    interview_id UUID NOT NULL,
    number INTEGER NOT NULL,
    question_id UUID,
    revision INTEGER,
    speaker TEXT NOT NULL,
    kind TEXT NOT NULL,
    purpose TEXT NOT NULL,
    text TEXT NOT NULL,
    raw_text TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recording_id UUID,
    recording_offset_ms INTEGER,
    interrupted BOOLEAN NOT NULL,
    epoch INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_turns PRIMARY KEY (id),
    CONSTRAINT uq_turns_interview_id_number UNIQUE (interview_id, number),
    CONSTRAINT fk_turns_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE,
    CONSTRAINT fk_turns_question_id FOREIGN KEY(question_id) REFERENCES question_versions (id)
);

CREATE TABLE grades (
    id UUID NOT NULL,
    answer_id UUID NOT NULL,
    interview_id UUID NOT NULL,
    question_id UUID NOT NULL,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    grader_version TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    grade JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_grades PRIMARY KEY (id),
    CONSTRAINT uq_grades_interview_id_question_id_revision_kind_grader_version
        UNIQUE (interview_id, question_id, revision, kind, grader_version),
    CONSTRAINT fk_grades_answer_id FOREIGN KEY(answer_id) REFERENCES answers (id) ON DELETE CASCADE,
    CONSTRAINT fk_grades_interview_id
        FOREIGN KEY(interview_id) REFERENCES interviews (id) ON DELETE CASCADE
);
CREATE INDEX ix_grades_answer_id ON grades (answer_id)
"""
