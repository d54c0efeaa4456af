"""Are generated records of use? Classifiers trained on them, and tested on real, held-out patients."""
