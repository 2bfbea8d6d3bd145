"""The store on a Redis or Valkey server, shared by processes of several machines."""
