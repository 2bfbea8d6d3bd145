"""Run a client and a mock in one scenario."""
