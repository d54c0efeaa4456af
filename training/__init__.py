"""Full generators, trained on a server: datasets, families, the loop. Needs the `train` extra."""
