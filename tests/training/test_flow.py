"""The flow is invertible, and its density is the one that the change of variables gives."""

import math

import pytest
import torch
from edgeward.training.networks.flow import ConditionalFlow, Coupling
from torch import Tensor, nn

SIZE, CONDITIONS = 4, 3


def random_flow(size: int = SIZE, couplings: int = 3, spread: float = 0.4) -> ConditionalFlow:
    """A flow far from the identity it starts as, in float64."""
    torch.manual_seed(5)
    flow = ConditionalFlow(size, CONDITIONS, 16, couplings).double()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.copy_(spread * torch.randn(parameter.shape, dtype=torch.float64))
    return flow.requires_grad_(False)


def conditions(n: int) -> Tensor:
    return nn.functional.one_hot(torch.arange(n) % CONDITIONS, CONDITIONS).double()


@pytest.mark.parametrize("couplings", [0, 1, 4])
def test_the_density_is_that_of_the_change_of_variables(couplings: int) -> None:
    flow = random_flow(couplings=couplings)
    noise, condition = torch.randn(6, SIZE, dtype=torch.float64), conditions(6)
    density = flow.log_density(flow(noise, condition), condition)
    for one, (z, c) in enumerate(zip(noise, condition, strict=True)):
        jacobian = torch.autograd.functional.jacobian(lambda z, c=c: flow(z[None], c[None])[0], z)
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
        assert density[one].item() == pytest.approx((normal - torch.linalg.slogdet(jacobian)[1]).item(), abs=1e-9)


def test_forward_then_inverse_of_a_coupling_is_the_identity_and_the_determinants_cancel() -> None:
    coupling = random_flow().couplings[0]
    assert isinstance(coupling, Coupling)
    x, condition = torch.randn(8, SIZE, dtype=torch.float64), conditions(8)
    y = coupling(x, condition)
    back, log_determinant = coupling.inverse(y, condition)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-12)
    jacobian = torch.autograd.functional.jacobian(lambda x: coupling(x[None], condition[:1])[0], x[0])
    assert log_determinant[0].item() == pytest.approx(-torch.linalg.slogdet(jacobian)[1].item(), abs=1e-9)
    assert not torch.allclose(y, x, atol=0.1)


def test_the_density_integrates_to_one() -> None:
    flow = random_flow(size=2)
    axis = torch.linspace(-40, 40, 801, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    for index in range(CONDITIONS):
        condition = conditions(CONDITIONS)[index].expand(len(grid), -1)
        mass = flow.log_density(grid, condition).exp().sum() * (axis[1] - axis[0]) ** 2
        assert mass.item() == pytest.approx(1.0, abs=2e-3)


def test_samples_fall_where_the_density_says() -> None:
    flow = random_flow(size=2)
    n = 40_000
    condition = conditions(1).expand(n, -1)
    rng = torch.Generator().manual_seed(1)
    samples = flow(torch.randn(n, 2, generator=rng, dtype=torch.float64), condition)
    centre = samples.mean(dim=0)
    inside = ((samples - centre).abs() < 0.5).all(dim=1).double().mean().item()
    axis = torch.linspace(-0.5, 0.5, 201, dtype=torch.float64)
    grid = centre + torch.cartesian_prod(axis, axis)
    density = flow.log_density(grid, condition[:1].expand(len(grid), -1)).exp()
    expected = density.mean().item()  # the square's area is 1
    assert 0.05 < expected < 0.95
    assert inside == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / n) + 2e-3)


def test_an_untrained_flow_is_the_identity_with_the_normal_density() -> None:
    flow = ConditionalFlow(SIZE, CONDITIONS, 8, 2)
    noise, condition = torch.randn(5, SIZE), conditions(5).float()
    torch.testing.assert_close(flow(noise, condition), noise)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(noise).sum(dim=1)
    torch.testing.assert_close(flow.log_density(noise, condition), normal)


def test_the_condition_moves_the_latents() -> None:
    flow = random_flow()
    noise = torch.zeros(CONDITIONS, SIZE, dtype=torch.float64)
    latents = flow(noise, conditions(CONDITIONS))
    assert not torch.allclose(latents[0], latents[1], atol=0.05)


def test_an_odd_size_is_refused() -> None:
    with pytest.raises(ValueError, match="noise_size must be even, not 5"):
        ConditionalFlow(5, CONDITIONS, 8, 1)
