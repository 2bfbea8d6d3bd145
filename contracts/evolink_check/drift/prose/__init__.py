"""What only the descriptions of documents state: numbers, sets, defaults, aliases and conditions."""
