"""The report files of a command, and the baseline."""
