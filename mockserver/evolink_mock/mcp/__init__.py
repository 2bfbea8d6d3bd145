"""A server of the Model Context Protocol, by which a coding agent uses a running mock."""
