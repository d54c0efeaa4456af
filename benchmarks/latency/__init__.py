"""Latency: how long one call takes, measured in one process with interleaved contenders. No torch."""

from .closed_loop import Contender, Latency, measure

__all__ = ["Contender", "Latency", "measure"]
