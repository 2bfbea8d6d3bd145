"""Result files: rendered on first download and cached."""
