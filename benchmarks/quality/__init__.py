"""Quality of generated data, judged against held-out real data. Needs the `train` extra (torch)."""

from .sources import REAL, LabelledSignals, compare_sources
from .tstr import UtilityScore, classifier_utility

__all__ = ["REAL", "LabelledSignals", "UtilityScore", "classifier_utility", "compare_sources"]
