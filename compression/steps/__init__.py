"""The steps of compression, one file each: from model to model."""
