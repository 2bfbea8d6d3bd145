"""Make the requests of a client reach the mock, even with a hard-coded API address.

The means are a forward proxy, a hosts file and a certificate authority.
"""
