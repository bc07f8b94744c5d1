"""The voice bot on Pipecat: turns, speech, transport, recording, what the interviewer says."""
