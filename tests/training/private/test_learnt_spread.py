"""A learnt spread: a likelihood of every record alone, as torch.distributions has it, and samples of that spread."""

import pytest
import torch
from edgeward.training.codecs import Codec, codec_for
from edgeward.training.families.observation import Observation
from torch.distributions import Categorical, Normal

from ..toy_schemas import TABLE, samples_of, signal

N = 50


def encoded_and_decoded(codec: Codec, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    codec.fit_public()
    x = codec.encode(samples)
    return x, x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(4))


def test_a_row_s_loss_is_its_negative_log_likelihood_where_what_is_missing_has_none() -> None:
    codec = codec_for(TABLE)
    observation = Observation(codec, "learnt")
    with torch.no_grad():
        observation.log_spread.copy_(torch.linspace(-1.0, 0.5, codec.numbers))
    x, decoded = encoded_and_decoded(codec, torch.from_numpy(samples_of(TABLE, N)))
    known = codec.known(x)
    assert 0 < known.mean() < 1
    numbers = Normal(decoded[:, : codec.numbers], observation.log_spread.exp()).log_prob(x[:, : codec.numbers])
    likelihood, start = (numbers * known).sum(dim=1), codec.numbers
    for size in codec.choices:
        group = slice(start, start + size)
        likelihood = likelihood + Categorical(logits=decoded[:, group]).log_prob(x[:, group].argmax(dim=1))
        start += size
    torch.testing.assert_close(observation.record_losses(x, decoded, known), -likelihood / x.shape[1])


@pytest.mark.parametrize("gappy", [0, 1])
def test_a_signal_s_loss_has_one_number_a_record_whoever_else_is_there(gappy: int) -> None:
    schema = signal(2, 16, gappy=gappy)
    codec = codec_for(schema)
    observation = Observation(codec, "learnt")
    x, decoded = encoded_and_decoded(codec, torch.from_numpy(samples_of(schema, N)))
    losses = observation.record_losses(x, decoded, codec.known(x))
    alone = observation.record_losses(x[3:4], decoded[3:4], codec.known(x[3:4]))
    assert losses.shape == (N,)
    torch.testing.assert_close(losses[3:4], alone)


def test_drawn_numbers_have_the_learnt_spread() -> None:
    codec = codec_for(TABLE)
    observation = Observation(codec, "learnt")
    wanted = torch.linspace(-1.0, 0.5, codec.numbers).exp()
    with torch.no_grad():
        observation.log_spread.copy_(wanted.log())
        noise = torch.randn(20_000, observation.noise_size, generator=torch.Generator().manual_seed(4))
        drawn = observation.draw(torch.zeros(20_000, *codec.shape), noise)
    torch.testing.assert_close(drawn[:, : codec.numbers].std(dim=0), wanted, rtol=0.03, atol=0.0)


def test_a_spread_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="spread must be batch or learnt, not 'wide'"):
        Observation(codec_for(TABLE), "wide")  # type: ignore[arg-type]
