"""HTTP Archive files: written, and read as they come from any tool."""
