"""The kill experiment: real processes killed at named points, and a judge of what is left."""
