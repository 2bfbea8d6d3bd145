"""Mocks and other servers of the tests: in process, behind sockets, and as processes of their own."""
