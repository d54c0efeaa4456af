"""Latency: how long one call takes, measured in one process with interleaved contenders. No torch."""

from .closed_loop import Contender, Latency, measure
from .ratio import Ratio, measure_ratios

__all__ = ["Contender", "Latency", "Ratio", "measure", "measure_ratios"]
