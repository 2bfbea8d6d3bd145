"""Judge what a receiver did, clause by clause."""
