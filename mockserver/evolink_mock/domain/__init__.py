"""Tasks, accounts, callback deliveries, and the interface of a store.

The module `clock` reads the system's time and waits. The other modules do no input or output.
"""
