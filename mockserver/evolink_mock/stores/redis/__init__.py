"""The store on a Redis or Valkey server. Processes on several machines can share the store."""
