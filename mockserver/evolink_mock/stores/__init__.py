"""The stores, which keep the state of a mock: in memory, in an SQLite file, or on a Redis or Valkey server."""
