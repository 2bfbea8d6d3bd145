"""The generation of requests: boundary values, pairwise selection, Hypothesis strategies."""
