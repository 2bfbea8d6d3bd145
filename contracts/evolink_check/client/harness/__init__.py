"""Run a client in one scenario: its process, the mock that it uses, its output and result file."""
