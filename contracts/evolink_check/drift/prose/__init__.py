"""Facts that only descriptions state, such as numbers, sets of words, defaults, aliases and conditions."""
