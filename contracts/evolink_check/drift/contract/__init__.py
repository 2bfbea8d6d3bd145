"""Find the changes of operations and models. The package `prose` compares their descriptions."""
