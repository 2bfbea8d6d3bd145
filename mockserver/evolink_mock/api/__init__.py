"""The documented operations: endpoints, policy, validation."""
