"""Deterministic orchestration: what happens when."""
