"""What a training run leaves to look at: losses and scores, pictures of samples, TensorBoard if installed."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..benchmarks.quality.records import Records
from ..runtime.atomic import atomic_file
from .datasets.dataset import Dataset

TABLE_NAME = "losses.csv"


class Journal:
    """Keeps a run's history in a folder.

    Args:
        folder: Made if absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reported = 0
        self._tensorboard: Any = None
        folder.mkdir(parents=True, exist_ok=True)
        if importlib.util.find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._tensorboard = SummaryWriter(str(folder))

    def table(self, history: Sequence[dict[str, float]]) -> None:
        """Write all losses and scores so far as one CSV table, a row a step.

        Raises:
            OutputError: The system refused to write; the table is as it was.
        """
        by_step: dict[int, dict[str, float]] = {}
        for row in history:
            by_step.setdefault(int(row["step"]), {}).update(row)
        names = ["step", *dict.fromkeys(name for row in history for name in row if name != "step")]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([row.get(name, "") for name in names] for _, row in sorted(by_step.items()))
        with atomic_file(self._folder / TABLE_NAME) as file:
            file.write(text.getvalue().encode())
        if self._tensorboard:
            for row in history[self._reported :]:
                for name, value in row.items():
                    if name != "step":
                        self._tensorboard.add_scalar(name, value, int(row["step"]))
            self._tensorboard.flush()
        self._reported = len(history)

    def picture(self, step: int, dataset: Dataset, records: Records) -> None:
        """Draw samples of each class beside real ones, where matplotlib is installed."""
        if not importlib.util.find_spec("matplotlib"):
            return
        from .picture import draw_samples

        with atomic_file(self._folder / f"samples-{step:07d}.png") as file:
            file.write(draw_samples(dataset, records))
