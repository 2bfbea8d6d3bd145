"""Judge a client run by its traffic and by how it ended."""
