"""Facts that documents state only in descriptions: numbers, sets of words, defaults, aliases and conditions."""
