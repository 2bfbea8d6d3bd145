"""Run the checks of a server: preflight, free phases, paid phases, recordings."""
