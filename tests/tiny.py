"""The tiny teacher and bundle of the tests, made by the real pipeline. As a script, it writes the bundle to a folder:

    python tests/tiny.py tiny.edgeward

so that it can be tested where torch is not (EDGEWARD_TEST_BUNDLE names it): an old Python, another processor.
"""

import sys
import tempfile
from pathlib import Path

from edgeward.compression import Compressed, compress, load_compression_recipe, pack
from edgeward.runtime.bundle import Bundle
from edgeward.training.checkpoint import Checkpoint, load_checkpoint
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.loop import train
from edgeward.training.recipe import training_recipe_from_mapping

TRAINING = {
    "name": "tiny",
    "data": "ecg-beats",
    "family": "vae",
    "steps": 30,
    "batch_size": 32,
    "learning_rate": 5e-3,
    "weight_decay": 0.0,
    "ema_decay": 0.8,
    "class_balance": 1.0,
    "evaluations": 0,
    "vae": {"noise_size": 6, "widths": [32, 32, 24, 16], "prior_couplings": 2, "prior_hidden": 16},
}
COMPRESSION = """
name = "tiny"
step = [
    {do = "prune", ratio = 0.4, round_to = 8},
    {do = "distil", steps = 40, batch_size = 32, learning_rate = 5e-3},
    {do = "export"},
    {do = "quantise", samples = 64, percentile = 99.99, error_budget = 1.0},
]
[allowance]
student_relative_l2 = 5.0
int8_relative_l2 = 1.0
"""


def tiny_dataset() -> Dataset:
    """A few simulated patients, five classes."""
    return simulate_beats(patients=(6, 2, 3), beats_per_patient=60, seed=1)


def train_tiny(dataset: Dataset, path: Path) -> None:
    """Write the checkpoint of a teacher trained for a moment."""
    train(dataset, training_recipe_from_mapping(TRAINING, "tiny"), path, seed=1)


def compress_tiny(teacher: Checkpoint, recipe: Path, work: Path) -> Compressed:
    """The tiny teacher, pruned, distilled, exported and quantised."""
    return compress(teacher, load_compression_recipe(recipe), work, seed=1)


def pack_tiny(path: Path, teacher: Checkpoint, compressed: Compressed, recipe: Path) -> Bundle:
    """A whole bundle with fp32 and int8 variants."""
    return pack(path, teacher, compressed, load_compression_recipe(recipe), name="tiny", version="1.2.3", seed=1)


def make_tiny(path: Path) -> None:
    """All of it, from nothing to a bundle."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe, checkpoint = folder / "tiny.toml", folder / "teacher.pt"
        recipe.write_text(COMPRESSION)
        train_tiny(tiny_dataset(), checkpoint)
        teacher = load_checkpoint(checkpoint)
        pack_tiny(path, teacher, compress_tiny(teacher, recipe, folder / "work"), recipe)


if __name__ == "__main__":
    make_tiny(Path(sys.argv[1]))
