"""Redirect clients with a hard-coded API address to the mock: certificates, a forward proxy, and host names."""
