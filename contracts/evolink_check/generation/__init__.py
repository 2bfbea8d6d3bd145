"""Generate requests with boundary values, with combinations of documented values, and with Hypothesis."""
