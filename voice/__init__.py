"""The voice bot on Pipecat: turns, speech, transport, recording, what the interviewer says."""

import os

# onnxruntime reads it as it is loaded; without it, it keeps an identifier in the user's cache and
# reports to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
