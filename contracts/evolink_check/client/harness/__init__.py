"""Run a client in one scenario: start the client and a mock, and collect the client's output and result file."""
