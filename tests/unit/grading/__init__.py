"""The grading room, with its real model."""
