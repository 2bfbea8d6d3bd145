"""The phases of a check of a server: the preflight, free phases, and phases that cost credits.

Also checks recordings.
"""
