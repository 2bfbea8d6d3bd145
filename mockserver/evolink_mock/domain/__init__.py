"""Tasks, accounts, callback deliveries, and the interface of a store, without I/O except in the module `clock`."""
