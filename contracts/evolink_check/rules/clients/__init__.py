"""Rules for clients and callback receivers."""
