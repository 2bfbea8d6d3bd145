"""The console: pages in a browser that show what the mock does, and drive it through the control API."""
