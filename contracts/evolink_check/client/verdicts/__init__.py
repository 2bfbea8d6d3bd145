"""Judge a client's run by its traffic and by how it ended."""
