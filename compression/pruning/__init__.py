"""Structured pruning: which channels hang together, which of them matter, and taking out the rest."""
