"""Fit a bundle to a device: search steps, width and precision until size, latency and quality are what was asked."""
