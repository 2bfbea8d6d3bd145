"""The phases of a check of a server, and the check of recordings."""
