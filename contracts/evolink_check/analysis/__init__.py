"""Interpret recorded exchanges with an API, and judge each clause."""
