"""The stores, which keep the state of a mock: in memory, in a file or on a server."""
