"""Generate requests with boundary values, with pairs of documented values, and with Hypothesis."""
