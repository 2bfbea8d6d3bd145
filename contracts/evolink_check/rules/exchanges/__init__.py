"""Rules that judge a single exchange, or compare similar exchanges, such as create requests."""
