"""Rules that judge a single exchange, or compare exchanges of one kind."""
