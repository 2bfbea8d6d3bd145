"""Checks the contract: any server, any client, any recording."""
