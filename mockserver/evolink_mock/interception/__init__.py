"""Make the requests of a client reach the mock, even if the address of the API is hard-coded in the client.

The means are a forward proxy, a hosts file in which the host names of the API resolve to this machine, and a
certificate authority that the client can trust.
"""
