"""The control API under `/__mock__/`, for tests and the console."""
