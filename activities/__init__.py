"""Temporal's edge: heartbeat, cancellation, error mapping, idempotency; no business logic."""
