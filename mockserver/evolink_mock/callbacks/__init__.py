"""Callbacks: check their URLs, schedule the attempts to deliver them, and send the requests."""
