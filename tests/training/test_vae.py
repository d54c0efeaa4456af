"""The VAE's loss is the bound it claims to be, and its generator speaks physical units within the ranges."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from edgeward.runtime.errors import TrainingError
from edgeward.runtime.schema import Channel, ClassCondition, SignalSchema
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.draws import Draws
from edgeward.training.families import build_family
from edgeward.training.families.vae import Vae, build_vae
from torch.distributions import Independent, Normal

OPTIONS: dict[str, Any] = {"noise_size": 4, "widths": [8, 8, 8], "prior_couplings": 2, "prior_hidden": 8}
SCHEMA = SignalSchema(
    name="toy",
    description="Two channels of very different spread.",
    channels=(Channel("pressure", "mm[Hg]", 0.0, 300.0), Channel("flow", "L/min", -0.5, 0.5)),
    sampling_rate_hz=10.0,
    length=16,
    conditions=(ClassCondition("kind", ("a", "b", "c"), ("first", "second", "third")),),
)


@pytest.fixture
def vae() -> Vae:
    """A VAE with every weight away from its start, and a normalisation far from the identity."""
    torch.manual_seed(2)
    vae = build_vae(SCHEMA, OPTIONS)
    with torch.no_grad():
        for parameter in vae.prior.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape))
    vae.codec.fit(toy_samples(200))
    return vae.eval()


def toy_samples(n: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(3)
    return (rng.standard_normal((n, 2, 16)) * [[20.0], [0.05]] + [[100.0], [0.1]]).astype(np.float32)


def one_hot(n: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.arange(n) % 3, 3).float()


def test_the_loss_is_the_negative_bound_as_torch_distributions_computes_it(vae: Vae) -> None:
    samples, condition = torch.from_numpy(toy_samples(32)), one_hot(32)
    terms = vae.losses("model", samples, condition, Draws(torch.Generator().manual_seed(7)))

    normalised = (samples - vae.codec.location) / vae.codec.scale
    mean, log_variance = vae.encoder(normalised, condition).chunk(2, dim=1)
    epsilon = torch.randn(mean.shape, generator=torch.Generator().manual_seed(7))
    posterior = Independent(Normal(mean, torch.exp(log_variance / 2)), 1)
    latents = mean + torch.exp(log_variance / 2) * epsilon
    decoded = vae.decoder(torch.cat([latents, condition], dim=1))
    best_sigma = (normalised - decoded).square().mean().sqrt()
    likelihood = Normal(decoded, best_sigma).log_prob(normalised)
    divergence = posterior.log_prob(latents) - vae.prior.log_density(latents, condition)

    torch.testing.assert_close(terms["reconstruction"], -likelihood.mean(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms["divergence"], divergence.mean() / (2 * 16), rtol=1e-4, atol=1e-6)


def test_no_other_sigma_gives_a_better_reconstruction_term(vae: Vae) -> None:
    samples, condition = torch.from_numpy(toy_samples(32)), one_hot(32)
    best = vae.losses("model", samples, condition, Draws(torch.Generator().manual_seed(7)))["reconstruction"]
    normalised = vae.codec.encode(samples)
    mean, log_variance = vae.encoder(normalised, condition).chunk(2, dim=1)
    epsilon = torch.randn(mean.shape, generator=torch.Generator().manual_seed(7))
    decoded = vae.decoder(torch.cat([mean + torch.exp(log_variance / 2) * epsilon, condition], dim=1))
    for sigma in (0.3, 0.7, 0.9, 1.2, 2.0):
        assert -Normal(decoded, sigma).log_prob(normalised).mean() >= best - 1e-6


def test_without_a_flow_the_divergence_estimates_the_closed_form(vae: Vae) -> None:
    plain = build_vae(SCHEMA, {**OPTIONS, "prior_couplings": 0})
    plain.codec.fit(toy_samples(200))
    plain.eval()
    n = 20_000
    samples, condition = torch.from_numpy(toy_samples(1)).expand(n, -1, -1), one_hot(1).expand(n, -1)
    with torch.no_grad():
        estimate = plain.losses("model", samples, condition, Draws(torch.Generator().manual_seed(1)))[
            "divergence"
        ].item()
        mean, log_variance = plain.encoder(plain.codec.encode(samples[:1]), condition[:1]).chunk(2, dim=1)
    closed = torch.distributions.kl_divergence(Normal(mean, torch.exp(log_variance / 2)), Normal(0.0, 1.0)).sum()
    assert estimate == pytest.approx(closed.item() / 32, rel=0.1, abs=2e-3)


def test_the_same_source_of_randomness_gives_the_same_loss(vae: Vae) -> None:
    samples, condition = torch.from_numpy(toy_samples(8)), one_hot(8)
    once, again, other = (
        vae.losses("model", samples, condition, Draws(torch.Generator().manual_seed(s))) for s in (1, 1, 2)
    )
    assert once == again
    assert once["reconstruction"] != other["reconstruction"]


def test_an_encoder_gone_wild_cannot_blow_the_decoder_s_batch_statistics_up(vae: Vae) -> None:
    with torch.no_grad():
        vae.encoder.head.bias.fill_(60.0)  # a standard deviation of e^30 for every latent
    vae.train()
    terms = vae.losses("model", torch.from_numpy(toy_samples(8)), one_hot(8), Draws(torch.Generator()))
    assert all(torch.isfinite(term) for term in terms.values())
    assert vae.decoder.first.norm.running_var.max() < 1e5


def test_every_weight_receives_a_gradient(vae: Vae) -> None:
    sum(vae.losses("model", torch.from_numpy(toy_samples(8)), one_hot(8), Draws(torch.Generator())).values()).backward()  # type: ignore[union-attr]
    assert [name for name, weight in vae.named_parameters() if weight.grad is None] == []


def test_samples_stay_within_the_ranges_of_the_channels_however_wild_the_noise(vae: Vae) -> None:
    noise = 10_000 * torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        samples = vae.generator()(noise, one_hot(64)).numpy()
    for index, channel in enumerate(SCHEMA.channels):
        assert samples[:, index].min() >= channel.minimum
        assert samples[:, index].max() <= channel.maximum
    assert (samples[:, 0] == SCHEMA.channels[0].maximum).any(), "the noise must be wild enough for the clamp to show"


def test_samples_are_in_the_physical_units_of_the_training_data(vae: Vae) -> None:
    with torch.no_grad():
        vae.decoder.last.weight.zero_()
        vae.decoder.last.bias.copy_(torch.tensor([1.0, -1.0]))  # one standard deviation up, one down
        samples = vae.generator()(torch.zeros(2, 4), one_hot(2)).numpy()
    data = toy_samples(200)
    np.testing.assert_allclose(samples[:, 0], data[:, 0].mean() + data[:, 0].std(), rtol=1e-5)
    np.testing.assert_allclose(samples[:, 1], data[:, 1].mean() - data[:, 1].std(), rtol=1e-4)


def test_normalising_gives_each_channel_zero_mean_and_unit_variance(vae: Vae) -> None:
    normalised = vae.codec.encode(torch.from_numpy(toy_samples(200))).numpy()
    np.testing.assert_allclose(normalised.mean(axis=(0, 2)), 0.0, atol=1e-5)
    np.testing.assert_allclose(normalised.std(axis=(0, 2)), 1.0, rtol=1e-5)


def test_a_channel_that_never_changes_does_not_divide_by_zero(vae: Vae) -> None:
    constant = np.full((4, 2, 16), 7.0, np.float32)
    vae.codec.fit(constant)
    assert torch.isfinite(vae.codec.encode(torch.from_numpy(constant))).all()


def test_the_generator_says_what_it_wants_and_gives_the_schema_s_shape(vae: Vae) -> None:
    generator = vae.generator()
    assert (generator.noise_shape, generator.condition_size) == ((4,), 3)
    assert generator(torch.zeros(5, 4), one_hot(5)).shape == (5, 2, 16)


def test_the_generator_shares_its_weights_with_the_model(vae: Vae) -> None:
    assert vae.generator().decoder.last.weight is vae.decoder.last.weight


def test_a_trained_generator_tells_classes_apart(teacher: Checkpoint, dataset: Dataset) -> None:
    generator = teacher.generator()
    noise = torch.zeros(5, *generator.noise_shape)
    with torch.no_grad():
        samples = generator(noise, torch.eye(5))
    assert (samples[0] - samples[2]).abs().max() > 0.01


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"noise_size": 5}, "noise_size must be even, not 5"),
        ({"noise_size": 0}, "noise_size"),
        ({"noise_size": -2}, "noise_size"),
        ({"noise_size": "4"}, "noise_size"),
        ({"noise_size": 4.0}, "noise_size"),
        ({"widths": [8] * 6}, "length 16 cannot be halved 5 times"),
        ({"widths": []}, "widths"),
        ({"widths": [8, 0]}, "widths"),
        ({"widths": [8, "8"]}, "widths"),
        ({"widths": [8, -8]}, "widths"),
        ({"prior_couplings": -1}, "prior_couplings"),
        ({"prior_couplings": "x"}, "prior_couplings"),
        ({"prior_hidden": 0}, "prior_hidden"),
        ({"beta": 4}, "beta"),
    ],
)
def test_an_option_that_does_not_suit_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=rf"\[vae\] does not suit 'toy': .*{said}"):
        build_family("vae", SCHEMA, {**OPTIONS, **change})


@pytest.mark.parametrize("option", OPTIONS)
def test_a_missing_option_is_named(option: str) -> None:
    with pytest.raises(TrainingError, match=option):
        build_family("vae", SCHEMA, {name: value for name, value in OPTIONS.items() if name != option})


def test_a_length_that_cannot_be_halved_is_named() -> None:
    with pytest.raises(TrainingError, match="length 18 cannot be halved 2 times"):
        build_family("vae", dataclasses.replace(SCHEMA, length=18), OPTIONS)


def test_an_unknown_family_is_answered_with_those_there_are() -> None:
    with pytest.raises(TrainingError, match="no family 'flow'; there are vae, diffusion, gan"):
        build_family("flow", SCHEMA, OPTIONS)
