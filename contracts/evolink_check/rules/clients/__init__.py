"""Rules that bind a client."""
