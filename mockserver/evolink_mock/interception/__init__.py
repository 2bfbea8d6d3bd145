"""Redirection of clients with a hard-coded address: certificate authority, forward proxy, host names."""
