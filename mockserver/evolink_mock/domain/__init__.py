"""Tasks, accounts, callback deliveries, and the interface of a store. Only the module `clock` does any I/O."""
