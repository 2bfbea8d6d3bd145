"""The phases of a check of a server: preflight, free phases, paid phases; and the check of recordings."""
