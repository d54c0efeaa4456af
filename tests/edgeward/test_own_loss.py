"""What an attacker reads of a diffusion model that he has as it was trained: its own loss of a record."""

from dataclasses import replace
from pathlib import Path

from edgeward.training.datasets.records import task_of
from edgeward.training.datasets.table.simulator import simulate_table
from edgeward.training.loop import train
from edgeward.training.recipe import load_training_recipe
from sklearn.metrics import roc_auc_score

from edgeward.makers import own_loss


def test_it_tells_who_trained_a_model_that_learnt_its_few_patients_by_heart(tmp_path: Path) -> None:
    dataset = simulate_table(patients=(32, 20, 64), seed=3)
    recipe = replace(load_training_recipe("table-diffusion"), steps=400, batch_size=32, evaluations=0)
    model = train(dataset, recipe, tmp_path / "learnt.pt", seed=1, device="cpu")
    loss, task = own_loss(model, dataset.schema, descents=1), task_of(dataset)
    assert loss
    members, others = loss(task.train), loss(task.test)
    assert roc_auc_score([1] * len(members) + [0] * len(others), [*-members, *-others]) > 0.8


def test_a_family_without_such_a_loss_is_attacked_through_its_samples(tmp_path: Path) -> None:
    dataset = simulate_table(patients=(64, 20, 64), seed=3)
    recipe = replace(load_training_recipe("table-vae"), steps=1, batch_size=32, evaluations=0)
    assert own_loss(train(dataset, recipe, tmp_path / "vae.pt", seed=1, device="cpu"), dataset.schema, 1) is None
