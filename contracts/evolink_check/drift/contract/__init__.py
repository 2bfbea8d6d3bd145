"""The changes of operations and models that the schemas and other formal parts of documents show, not descriptions."""
