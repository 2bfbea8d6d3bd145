"""Tasks, accounts, deliveries and the store; pure, except for the clock."""
