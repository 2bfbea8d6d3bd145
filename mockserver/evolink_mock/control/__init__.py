"""The control API under `/__mock__/`, by which tests and the console control the mock."""
