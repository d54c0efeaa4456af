"""Quality on real records as a search counts it: how much worse than the teacher's, as a one-sided bound."""

from __future__ import annotations

from collections.abc import Mapping

from ...benchmarks.quality.paired import PAIRED
from ..gate import as_allowed
from ..quality import Judge
from ..recipe import QUALITY_ALLOWANCES
from ..record import Compressed
from .trial import Judge as Losses


def losses_by(judge: Judge) -> Losses:
    """Losses of a candidate's graph, by measure; of ratios, such as that of Fréchet distances, what is beyond 1."""

    def losses(compressed: Compressed, variant: str) -> Mapping[str, float]:
        quality = judge(compressed.graphs[variant], decide=True)
        found = {}
        for name, measure in QUALITY_ALLOWANCES.items():
            figure = quality.figure(measure)
            if figure is None or figure.bound is None:
                continue
            how, bound = PAIRED[measure], as_allowed(name, figure.bound)
            if how.as_ratio and how.worse != "either":
                bound = bound - 1.0 if how.worse == "higher" else 1.0 - bound
            found[measure] = bound
        return found

    return losses
