"""Write HTTP Archive (HAR) files, and read those of any tool."""
