"""Rules about a single exchange."""
