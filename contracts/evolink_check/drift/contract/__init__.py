"""Find the changes of operations and models. Changed `description` texts are compared in `prose`."""
