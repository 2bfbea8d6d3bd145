"""The contract: the documents, what they say in prose, and the one way to read them."""
