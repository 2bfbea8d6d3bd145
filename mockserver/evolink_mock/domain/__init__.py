"""Tasks, accounts, callback deliveries, and the interface of a store.

The module `clock` has functions that read the time or sleep. The other modules do no input or output.
"""
