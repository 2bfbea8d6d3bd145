"""Tasks, accounts, deliveries and the store. Pure but for the clock."""
