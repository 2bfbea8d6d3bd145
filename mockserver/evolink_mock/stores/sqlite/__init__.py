"""The store in an SQLite file, which processes on one machine share."""
