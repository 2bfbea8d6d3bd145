"""The store on a Redis or Valkey server, which processes of several machines share."""
