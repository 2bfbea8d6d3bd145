"""Interpret a trace: operations, decoded bodies, request faults, verdicts."""
