"""Training with differential privacy: what is promised, sampled, clipped, noised and added up."""
