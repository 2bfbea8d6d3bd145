"""The interpretation of a trace: operations, decoded bodies, faults of requests, verdicts."""
