"""Property-based fuzzing, with Hypothesis and with Schemathesis."""
