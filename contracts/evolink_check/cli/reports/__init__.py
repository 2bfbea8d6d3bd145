"""The report files of a command: their options, the baseline, and the writing of the files."""
