"""Rules that bind a client or a callback receiver."""
