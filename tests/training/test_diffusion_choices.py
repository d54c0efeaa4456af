"""Diffusion treats categories and gaps as choices: by their probabilities, each column alike, rare ones too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from edgeward.runtime.schema import CategoryColumn, ClassCondition, NumberColumn, Schema, TableSchema
from edgeward.training.draws import Draws
from edgeward.training.families.diffusion import Diffusion, build_diffusion, velocity_of
from edgeward.training.recipe import training_recipe_from_mapping
from edgeward.training.state import TrainingState
from torch import Tensor, nn

from .toy_schemas import TABLE, conditions_of, samples_of, signal

OPTIONS: dict[str, Any] = {
    "widths": [48],
    "blocks": 1,
    "embedding": 16,
    "shift": 1.0,
    "condition_dropout": 0.0,
    "guidance": 1.0,
    "sampler": "heun",
    "sampler_steps": 12,
}
STAYS = signal(4, 48, gappy=3)


def rng(seed: int = 1) -> Draws:
    return Draws(torch.Generator().manual_seed(seed))


def built(schema: Schema, **changed: Any) -> Diffusion:
    torch.manual_seed(2)
    model = build_diffusion(schema, {**OPTIONS, **changed})
    model.codec.fit_public()
    return model


class Told(nn.Module):
    """In the network's place: an output that the test knows, the same for every record."""

    def __init__(self, raw: Tensor) -> None:
        super().__init__()
        self._raw = raw

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return self._raw.expand_as(x)


# What logits stand for


@pytest.mark.parametrize("schema", [TABLE, STAYS], ids=["table", "stays"])
def test_the_velocity_of_a_choice_leads_away_from_the_choice_expected(schema: Schema) -> None:
    codec = built(schema).codec
    raw, x = torch.randn(2, 3, *codec.shape, generator=torch.Generator().manual_seed(3))
    t = torch.tensor([0.01, 0.4, 1.0])
    velocity = velocity_of(codec, raw, x, t)
    torch.testing.assert_close(velocity[:, : codec.numbers], raw[:, : codec.numbers])
    for group in codec.groups():
        weights = raw[:, group].double().exp()
        expected = 2.0 * weights / weights.sum(dim=1, keepdim=True) - 1.0
        at = t.double().reshape(-1, *(1,) * (x.ndim - 1))
        torch.testing.assert_close(velocity[:, group].double(), (x[:, group] - expected) / at, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sampler", ["heun", "euler"])
def test_the_solver_s_last_step_lands_on_the_choice_expected(sampler: str) -> None:
    model = built(TABLE, sampler=sampler)
    raw = torch.randn(model.codec.shape, generator=torch.Generator().manual_seed(3))
    model.network = Told(raw)
    encoded = model.generator().encoded(torch.randn(5, *model.codec.shape), conditions_of(5))
    for group in model.codec.groups():
        expected = 2.0 * torch.softmax(raw[group], dim=0) - 1.0
        torch.testing.assert_close(encoded[:, group], expected.expand(5, -1), rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("schema", [TABLE, STAYS], ids=["table", "stays"])
@pytest.mark.parametrize("t", [0.2, 0.5, 0.9, 1.0])
def test_an_untrained_network_weighs_a_choice_by_its_likelihood_alone(t: float, schema: Schema) -> None:
    model = built(schema, widths=[16, 8] if schema is STAYS else [16])
    codec, noise = model.codec, torch.randn(64, *model.codec.shape, generator=torch.Generator().manual_seed(3))
    x = (1.0 - t) * codec.encode(torch.from_numpy(samples_of(schema, 64))) + t * noise
    raw = model.network(x, torch.full((1,), t), torch.ones(64, model.conditioning.size))
    for group, size in zip(codec.groups(), codec.choices, strict=True):
        here = x[:, group].double().movedim(1, -1)
        choices = 2.0 * torch.eye(size, dtype=torch.float64) - 1.0
        # log N(x; (1 - t) choice, t² I), of each choice in turn.
        each = torch.distributions.Normal((1.0 - t) * choices, t).log_prob(here[..., None, :]).sum(dim=-1)
        found = torch.softmax(raw[:, group].double().movedim(1, -1), dim=-1)
        torch.testing.assert_close(found, torch.softmax(each, dim=-1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("t", [0.0, 1e-4])
def test_nothing_overflows_where_the_path_ends(t: float) -> None:
    model = built(TABLE)
    x = model.codec.encode(torch.from_numpy(samples_of(TABLE, 16)))
    raw = model.network(x, torch.full((1,), t), torch.ones(16, model.conditioning.size))
    for group in model.codec.groups():
        assert torch.softmax(raw[:, group], dim=1).max(dim=1).values.min() > 0.999
        assert torch.equal(raw[:, group].argmax(dim=1), x[:, group].argmax(dim=1))


# What is learnt


def test_the_loss_is_the_mean_over_columns_of_squared_errors_and_cross_entropies() -> None:
    columns = (
        NumberColumn("age", "a", 0.0, 100.0),
        CategoryColumn("ward", tuple("abcde")),
        NumberColumn("troponin", "ng/L", 0.0, 1000.0, may_be_missing=True),
    )
    model = built(TableSchema("tiny", "Three columns.", columns, TABLE.conditions))
    raw = torch.tensor([0.5, -0.25, 2.0, 0.0, 1.0, -1.0, 0.5, 0.3, -0.4])
    model.network = Told(raw)
    samples = torch.tensor([[40.0, 2.0, torch.nan], [70.0, 0.0, 250.0]])
    found = model.record_losses(samples, conditions_of(2), rng())
    x, noise = model.codec.encode(samples), torch.randn(2, 9, generator=torch.Generator().manual_seed(1))
    errors = (raw[:2] - (noise - x)[:, :2]).square().sum(dim=1)
    ward = math.log(sum(math.exp(logit) for logit in raw[2:7].tolist()))
    known = math.log(math.exp(0.3) + math.exp(-0.4))
    entropies = torch.tensor([(ward - 1.0) + (known + 0.4), (ward - 2.0) + (known - 0.3)])
    torch.testing.assert_close(found, (errors + entropies) / 4)
    terms = model.losses("model", samples, conditions_of(2), rng())
    torch.testing.assert_close(terms["velocity"], errors.mean() / 4)
    torch.testing.assert_close(terms["choices"], entropies.mean() / 4)


def test_a_table_has_a_term_for_each_kind_of_column_it_has() -> None:
    for columns, terms in (
        ((NumberColumn("x", "1", -1.0, 1.0),), {"velocity"}),
        ((CategoryColumn("stage", ("I", "II")),), {"choices"}),
        (TABLE.columns, {"velocity", "choices"}),
    ):
        schema = TableSchema("toy", "Columns.", columns, TABLE.conditions)
        samples = torch.from_numpy(samples_of(schema, 4))
        assert set(built(schema).losses("model", samples, conditions_of(4), rng())) == terms


def test_a_moment_of_a_stay_counts_as_one_of_its_channel() -> None:
    model = built(STAYS, widths=[16, 8])
    raw = torch.randn(model.codec.shape, generator=torch.Generator().manual_seed(3))
    model.network = Told(raw)
    samples = torch.from_numpy(samples_of(STAYS, 5))
    found = model.losses("model", samples, conditions_of(5), rng())["choices"]
    x = model.codec.encode(samples)
    each = [F.cross_entropy(raw[g].expand_as(x[:, g]), x[:, g].argmax(dim=1)) for g in model.codec.groups()]
    torch.testing.assert_close(found, torch.stack(each).sum() / (4 + 3))


JOINT = np.array([[0.30, 0.05, 0.05], [0.02, 0.35, 0.02], [0.005, 0.005, 0.19], [0.001, 0.0085, 0.0005]])
"""Probabilities of two columns: the last value of the first is a category of 1 %, which has its own ways."""
PAIR = TableSchema(
    "pair",
    "Two columns of categories.",
    (CategoryColumn("first", tuple("abcd")), CategoryColumn("second", tuple("xyz"))),
    (ClassCondition("kind", ("a", "b"), ("one", "other")),),
)


def learnt_pairs() -> tuple[npt.NDArray[np.float64], Tensor]:
    """How often a model trained for seconds generates each pair of values, and its samples in model space."""
    model = built(PAIR)
    steps = 600
    recipe = training_recipe_from_mapping(
        {
            "name": "pair",
            "data": "table",
            "family": "diffusion",
            "steps": steps,
            "batch_size": 512,
            "learning_rate": 4e-3,
            "weight_decay": 0.0,
            "ema_decay": 0.99,
            "class_balance": 0.0,
            "evaluations": 0,
            "diffusion": OPTIONS,
        },
        "pair",
    )
    state, drawn = TrainingState(model, recipe), torch.Generator().manual_seed(4)
    probabilities, nothing = torch.from_numpy(JOINT.reshape(-1)), torch.eye(2)[[0]].expand(512, 2)
    for step in range(steps):
        cells = torch.multinomial(probabilities, 512, replacement=True, generator=drawn)
        samples = torch.stack([cells // 3, cells % 3], dim=1).float()
        state.step(samples, nothing, Draws(torch.Generator().manual_seed(step)))
    generator, n = state.averaged().generator().eval(), 20_000
    noise = torch.randn(n, *generator.noise_shape, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        encoded = generator.encoded(noise, torch.eye(2)[[0]].expand(n, 2))
    first, second = generator.codec.decode(encoded).long().T
    return np.bincount(3 * first + second, minlength=12).reshape(4, 3) / n, encoded


def test_a_short_training_learns_a_joint_distribution_with_a_category_of_one_percent() -> None:
    found, encoded = learnt_pairs()
    assert 0.5 * np.abs(found - JOINT).sum() < 0.03, "total variation"
    assert found[3].sum() == pytest.approx(0.01, abs=0.004)
    assert found[3, 1] > 0.7 * found[3].sum(), "the rare category comes with what it comes with"
    largest = torch.stack([encoded[:, :4].max(dim=1).values, encoded[:, 4:].max(dim=1).values])
    assert (largest > 0.8).float().mean() > 0.95, "few samples end between choices"
