"""The stores keep the state of a mock.

The state is in memory, in an SQLite file, or on a Redis server.
"""
