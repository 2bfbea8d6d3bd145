"""Result files, which are rendered when they are first downloaded, and then cached."""
