"""Deliver callbacks: URL guard, retry schedule, sender."""
