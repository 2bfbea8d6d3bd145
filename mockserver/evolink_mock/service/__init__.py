"""The shared parts of a running mock, such as clocks, metrics and uploads."""
