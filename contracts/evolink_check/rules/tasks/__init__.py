"""Rules about the life of a task: progress, results, credits, callbacks."""
