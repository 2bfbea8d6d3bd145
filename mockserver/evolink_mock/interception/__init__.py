"""Make the requests of a client reach the mock.

The client may contain a hard-coded address of the API. The means are a forward proxy, a hosts file and a certificate
authority.
"""
