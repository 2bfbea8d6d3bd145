"""Interpret a trace (recorded exchanges with an API), and judge for each clause whether the trace satisfies it."""
