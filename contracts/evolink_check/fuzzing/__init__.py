"""Property-based fuzzing with Hypothesis and Schemathesis."""
