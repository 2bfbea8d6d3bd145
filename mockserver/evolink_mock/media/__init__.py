"""The result files of tasks, which are rendered at their first download, and then cached."""
