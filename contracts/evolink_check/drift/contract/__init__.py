"""The changes of operations and models that the documents state formally, not only in descriptions."""
