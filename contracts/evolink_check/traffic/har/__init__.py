"""Write HTTP Archive files, and read those of any tool."""
