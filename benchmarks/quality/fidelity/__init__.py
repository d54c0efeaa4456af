"""Do generated records look like real ones? Distances, diversity, two-sample tests, and what the field measures."""
