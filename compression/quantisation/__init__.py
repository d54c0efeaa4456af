"""Quantisation of exported graphs: which layers, on which ranges, in the form that each engine runs best."""
