"""Rubric, embedded grader and scoring: an answer's text in, a checked grade out."""
