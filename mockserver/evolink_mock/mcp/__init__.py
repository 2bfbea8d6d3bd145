"""A server of the Model Context Protocol (MCP), for coding agents that use a running mock."""
