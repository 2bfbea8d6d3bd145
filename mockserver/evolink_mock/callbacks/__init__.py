"""Delivery of callbacks: check the URL, schedule the attempts, and send the requests."""
