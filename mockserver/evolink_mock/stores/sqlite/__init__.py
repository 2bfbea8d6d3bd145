"""The store in an SQLite file. Several processes on one machine can share the store."""
