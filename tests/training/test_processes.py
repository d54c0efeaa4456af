"""Several processes that share each batch train the model that one process trains."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from edgeward.runtime.errors import TrainingError
from edgeward.training import state
from edgeward.training.checkpoint import load_checkpoint
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.draws import Draws
from edgeward.training.loop import train
from edgeward.training.processes import average_gradients, mean_over_all, rank, world_size
from edgeward.training.recipe import load_training_recipe

TRAIN = """
import contextlib
import sys
from pathlib import Path
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.loop import train
from edgeward.training.processes import join_processes, leave_processes
from edgeward.training import state
from edgeward.training.recipe import load_training_recipe

state.mixed_precision = lambda device: contextlib.nullcontext()  # rounding to 8 bits would hide what is compared
join_processes()
dataset = simulate_beats(patients=(6, 2, 3), beats_per_patient=60, seed=1)
folder = Path(sys.argv[1])
for family in ("vae", "gan"):
    train(dataset, load_training_recipe(folder / f"{family}.toml"), folder / f"{family}-two.pt", seed=5)
leave_processes()
"""

COMMON = """
name = "smallest"
data = "ecg-beats"
family = "{family}"
steps = 12
batch_size = 16
learning_rate = 5e-3
weight_decay = 1e-3
ema_decay = 0.8
class_balance = 1.0
evaluations = 0

[{family}]
noise_size = 4
widths = [8, 8, 8]
"""

OWN = {
    "vae": """
prior_couplings = 2
prior_hidden = 8
""",
    "gan": """
critic_widths = [8, 8, 8]
penalty = 1.0
""",
}
TOLERANCE = {"vae": 2e-5, "gan": 2e-4}
"""Of weights of about 0.1. Without momentum a GAN's optimiser makes whole steps of gradients that are mere rounding."""
LOSS_TOLERANCE = {"vae": 1e-4, "gan": 5e-3}
"""Relative. Losses after ten such steps: how much rounding they show differs by processor. A penalty or a batch that
the processes did not share would show as a factor."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start(folder: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        text=True,
        stderr=subprocess.PIPE,
    )


def finish(process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors[-3000:]


@pytest.fixture(scope="module")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of each family that this process and two others together trained."""
    folder = tmp_path_factory.mktemp("processes")
    for family, own in OWN.items():
        (folder / f"{family}.toml").write_text(COMMON.format(family=family) + own)
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    pair = [start(folder, {**shared, "RANK": str(r), "LOCAL_RANK": str(r)}) for r in (0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "mixed_precision", lambda device: contextlib.nullcontext())
        for family in OWN:
            train(dataset, load_training_recipe(folder / f"{family}.toml"), folder / f"{family}-one.pt", seed=5)
    for process in pair:
        finish(process)
    return folder


@pytest.mark.parametrize("family", OWN)
def test_two_processes_give_the_weights_of_one_with_the_same_batches(family: str, trained: Path) -> None:
    one, two = (load_checkpoint(trained / f"{family}-{name}.pt") for name in ("one", "two"))
    for name, tensor in one.weights.items():
        torch.testing.assert_close(
            two.weights[name], tensor, rtol=2e-3, atol=TOLERANCE[family], msg=lambda m, n=name: f"{n}: {m}"
        )
    assert [row["step"] for row in one.history] == [row["step"] for row in two.history]
    for term, value in one.history[0].items():
        assert two.history[0][term] == pytest.approx(value, rel=LOSS_TOLERANCE[family]), term


def test_alone_there_is_one_process_the_first() -> None:
    assert (rank(), world_size()) == (0, 1)
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.tensor([1.0, 2.0, 3.0])
    average_gradients([weight])
    assert weight.grad.tolist() == [1.0, 2.0, 3.0]
    assert mean_over_all(weight) is weight


def test_the_parts_of_a_batch_s_draws_join_to_those_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(n: int, of: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        monkeypatch.setattr("edgeward.training.draws.world_size", lambda: of)
        monkeypatch.setattr("edgeward.training.draws.rank", lambda: number)
        draws = Draws(torch.Generator().manual_seed(3))
        return draws.normal(n, 2), draws.uniform(n)

    whole = drawn(8, 1, 0)
    parts = [drawn(4, 2, number) for number in (0, 1)]
    for one, joined in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(one, torch.cat(joined))


def test_batches_that_cannot_be_shared_equally_are_refused(
    dataset: Any, teacher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeward.training import loop

    monkeypatch.setattr(loop, "world_size", lambda: 3)
    odd = dataclasses.replace(teacher.recipe, batch_size=16)
    with pytest.raises(TrainingError, match="3 processes cannot share"):
        loop.train(dataset, odd, tmp_path / "x.pt", seed=1)
    assert np.array_equal(list(tmp_path.iterdir()), [])
