"""The console: web pages that show what the mock does, and that control it through the control API."""
