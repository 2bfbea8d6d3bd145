"""The store on a Redis or Valkey server, which processes on several machines can share."""
