"""Measurements and the demonstration: simulated candidates against the running product."""
