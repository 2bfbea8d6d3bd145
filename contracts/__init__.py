"""Checks the contract: any server, any client, any recording."""

from contracts.conformance import Conformance, Exchange

__all__ = ["Conformance", "Exchange"]
