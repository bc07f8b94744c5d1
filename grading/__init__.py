"""Rubric, embedded grader and scoring: an answer's text in, a checked grade out."""

import os

# onnxruntime reads it as it is loaded; without it, it keeps an identifier in the user's cache and
# reports to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
