"""Facts that are stated only in `description` texts: numbers, sets of words, defaults, aliases and conditions."""
