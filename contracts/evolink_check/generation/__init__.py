"""The generation of requests by boundary values, pairwise selection and Hypothesis strategies."""
