"""Where the state of a mock is kept."""
