"""A reverse proxy that records and checks live traffic."""
