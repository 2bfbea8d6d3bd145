"""Plays the contract: a server whose tasks live, fail and call back."""
