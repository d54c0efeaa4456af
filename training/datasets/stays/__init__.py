"""Stays in intensive care, the kind `icu-stays`: from the PhysioNet/CinC Challenge 2012, or simulated."""
