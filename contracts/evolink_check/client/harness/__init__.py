"""Run a client in one scenario. Start its process and the mock that it uses, and collect its output and result file."""
