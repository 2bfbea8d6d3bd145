"""The console: web pages that show what the mock does, and that control the mock through the control API."""
