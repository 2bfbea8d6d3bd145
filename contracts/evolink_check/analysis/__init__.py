"""The interpretation of a trace. It finds the operations, the decoded bodies, the faults of requests, and verdicts."""
