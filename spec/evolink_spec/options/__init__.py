"""Options from records: what the commands of both packages are declared with."""
