"""The state of a running mock: account clocks, waiting, task overrides."""
