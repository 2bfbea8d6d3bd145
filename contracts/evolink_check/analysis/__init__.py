"""The interpretation of a trace: the operations, the decoded bodies, the faults of requests, and verdicts."""
