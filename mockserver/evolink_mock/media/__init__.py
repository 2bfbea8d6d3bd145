"""The result files of tasks, which are rendered and cached at their first download."""
