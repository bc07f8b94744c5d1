"""What `codevoice up` starts on one machine."""
