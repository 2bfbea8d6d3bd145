"""Generate requests: boundary values, pairwise selection, Hypothesis strategies."""
