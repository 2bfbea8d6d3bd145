"""Find the changes of operations and models. Changes that only descriptions state are found in `prose`."""
