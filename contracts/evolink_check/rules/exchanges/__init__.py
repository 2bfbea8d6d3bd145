"""Rules that judge one exchange or compare similar exchanges."""
