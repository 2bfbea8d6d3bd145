"""The console: web pages that show and control what the mock does."""
