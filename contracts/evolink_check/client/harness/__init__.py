"""Run a client in one scenario: its process, the mock it talks to, what it left behind."""
