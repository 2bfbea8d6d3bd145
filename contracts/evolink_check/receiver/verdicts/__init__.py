"""Judge a receiver clause by clause."""
