"""Compare a recording with documents: undocumented traffic, and documented values that were never recorded."""
