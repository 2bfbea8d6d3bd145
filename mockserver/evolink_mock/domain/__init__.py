"""Tasks, accounts, callback deliveries, and the interface of a store.

The modules of this package do no input or output, except that `clock` reads the system's time and waits.
"""
