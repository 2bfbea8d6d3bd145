"""The console: web pages that show what the mock does and control it through the control API."""
