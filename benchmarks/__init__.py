"""Measure a bundle: latency (numpy only) and quality (needs the `train` extra), and report for people."""
