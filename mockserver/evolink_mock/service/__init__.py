"""The state of a running mock: account clocks, waiting requests, task overrides, uploads."""
