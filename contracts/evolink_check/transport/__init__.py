"""Communication with the server under test: HTTP client, budget, rate limiter, callback receiver, downloads."""
