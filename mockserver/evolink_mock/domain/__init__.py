"""Tasks, accounts, deliveries and the interface of a store. Everything is pure, except for the clock."""
