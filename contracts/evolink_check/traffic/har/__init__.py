"""Write HTTP Archive (HAR) files, and read the HAR files of any tool."""
