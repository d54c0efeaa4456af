"""What pruners trip over is cut right or left whole; the proof is the whole network without those channels."""

import copy

import pytest
import torch
import torch.nn.functional as F
from edgeward.compression.pruning import importance
from edgeward.compression.pruning.audit import fault_of
from edgeward.compression.pruning.cut import Kept
from edgeward.compression.pruning.layers import width
from edgeward.compression.steps.prune import ALL_ALIKE, prune
from edgeward.runtime.errors import GateError
from torch import Tensor, nn

from .constructs import PRUNED, SCHEMA, Bare, ChunkedFilm, GroupNormed, bare


@pytest.fixture(autouse=True)
def fewer_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which channels go does not matter here."""
    monkeypatch.setattr(importance, "_BATCHES", 4)


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(8, 4, 16, generator=generator), F.one_hot(torch.arange(8) % 3, 3).float()


def emptied(model: Bare, kept: Kept) -> Bare:
    """The whole network, where what is gone is zero as it is taken in, and norms do not see it."""
    whole = copy.deepcopy(model)

    def zero_elsewhere(layer: nn.Module, stay: list[int]) -> None:
        along = -1 if isinstance(layer, nn.Linear) else 1

        def hook(_: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
            x = torch.zeros_like(given[0]).movedim(along, 0)
            x[stay] = given[0].movedim(along, 0)[stay]
            return (x.movedim(0, along),)

        layer.register_forward_pre_hook(hook)

    def normalise_groups(norm: nn.GroupNorm, stay: list[int]) -> None:
        def hook(_: nn.Module, given: tuple[Tensor], usual: Tensor) -> Tensor:
            x, made, size = given[0], torch.zeros_like(usual), norm.num_channels // norm.num_groups
            for first in range(0, norm.num_channels, size):
                inside = [channel for channel in stay if first <= channel < first + size]
                made[:, inside] = F.group_norm(x[:, inside], 1, norm.weight[inside], norm.bias[inside], norm.eps)
            return made

        norm.register_forward_hook(hook)

    def normalise_some(norm: nn.LayerNorm, stay: list[int]) -> None:
        def hook(_: nn.Module, given: tuple[Tensor], usual: Tensor) -> Tensor:
            made = torch.zeros_like(usual)
            made[..., stay] = F.layer_norm(given[0][..., stay], [len(stay)], norm.weight[stay], norm.bias[stay])
            return made

        norm.register_forward_hook(hook)

    for name, of_layer in kept.items():
        layer = whole.get_submodule(name)
        if "in" in of_layer:
            zero_elsewhere(layer, of_layer["in"])
        if isinstance(layer, nn.GroupNorm):
            normalise_groups(layer, of_layer["out"])
        if isinstance(layer, nn.LayerNorm):
            normalise_some(layer, of_layer["out"])
    return whole


@pytest.mark.parametrize("traced", [False, True], ids=["module", "traced"])
@pytest.mark.parametrize("construct", PRUNED)
def test_the_pruned_network_is_the_whole_one_without_the_channels(construct: str, traced: bool) -> None:
    build, widths = PRUNED[construct]
    model = bare(build(), traced=traced)
    pruned, kept = prune(model, SCHEMA, ratio=0.5, round_to=1, by=ALL_ALIKE, seed=3)
    with torch.no_grad():
        found, wanted = pruned.encoded(*inputs()), emptied(model, kept).encoded(*inputs())
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    if not traced:
        left = {name: width(pruned.get_submodule(f"network.{name}"), "out") for name in widths}
        assert left == widths
    sizes = [sum(p.numel() for p in one.parameters()) for one in (model, pruned)]
    assert sizes[1] < sizes[0], "the weights are smaller in fact, not masked"


@pytest.mark.parametrize("construct", PRUNED)
def test_cut_by_what_each_layer_costs_it_is_so_too(construct: str) -> None:
    model = bare(PRUNED[construct][0](), traced=True)
    pruned, kept = prune(model, SCHEMA, ratio=0.4, round_to=2, seed=3)
    with torch.no_grad():
        found, wanted = pruned.encoded(*inputs()), emptied(model, kept).encoded(*inputs())
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_of_every_group_of_a_group_norm_equally_many_channels_stay() -> None:
    _, kept = prune(bare(GroupNormed(), traced=False), SCHEMA, ratio=0.5, round_to=8, by=ALL_ALIKE, seed=3)
    stay = kept["network.norm"]["out"]
    assert [sum(first <= channel < first + 8 for channel in stay) for first in range(0, 32, 8)] == [4, 4, 4, 4]


@pytest.mark.parametrize(("ratio", "round_to", "left"), [(0.7, 4, 8), (0.6, 8, 8), (0.4, 8, 16), (0.25, 8, 24)])
def test_rounding_keeps_the_groups_of_a_group_norm_equal(ratio: float, round_to: int, left: int) -> None:
    pruned, _ = prune(bare(GroupNormed(), traced=False), SCHEMA, ratio=ratio, round_to=round_to, by=ALL_ALIKE, seed=3)
    norm = pruned.get_submodule("network.norm")
    assert isinstance(norm, nn.GroupNorm)
    assert (norm.num_channels, norm.num_groups) == (left, 4)


@pytest.mark.parametrize(("ratio", "round_to"), [(0.8, 8), (0.5, 32), (0.9, 1)])
def test_what_rounding_and_group_norm_make_impossible_is_refused(ratio: float, round_to: int) -> None:
    with pytest.raises(GateError, match=rf"multiples of {round_to} leaves none of the 32 channels.*smaller round_to"):
        prune(bare(GroupNormed(), traced=False), SCHEMA, ratio=ratio, round_to=round_to, by=ALL_ALIKE, seed=3)


def fault(model: Bare, kept: Kept) -> str | None:
    return fault_of(model, kept, lambda other: other(*inputs()))


def test_the_audit_finds_a_wrong_index() -> None:
    model = bare(ChunkedFilm(), traced=False)
    _, kept = prune(model, SCHEMA, ratio=0.5, round_to=1, by=ALL_ALIKE, seed=3)
    assert fault(model, kept) is None
    for layer, side in (("second", "in"), ("first", "out"), ("film", "out")):
        wrong = copy.deepcopy(kept)
        indices = wrong[f"network.{layer}"][side]
        gone = min(set(range(width(model.get_submodule(f"network.{layer}"), "out"))) - set(indices))
        indices[indices.index(min(i for i in indices if i > gone) if max(indices) > gone else indices[-1])] = gone
        indices.sort()
        assert fault(model, wrong), f"{layer}, {side}"


def test_the_audit_finds_channels_that_change_their_group() -> None:
    model = bare(GroupNormed(), traced=False)
    stay = list(range(24))  # three whole groups of the four: what is left would be divided into four anew
    kept: Kept = {"network.first": {"out": stay}, "network.norm": {"out": stay}, "network.second": {"in": stay}}
    assert "groups would be left with 0 to 8 channels" in (fault(model, kept) or "")


def test_the_audit_finds_a_consumer_that_was_forgotten() -> None:
    model = bare(ChunkedFilm(), traced=False)
    _, kept = prune(model, SCHEMA, ratio=0.5, round_to=1, by=ALL_ALIKE, seed=3)
    del kept["network.second"]["in"]
    assert fault(model, kept)


class NothingToPrune(nn.Module):
    """One layer, which makes the samples."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(67, 32)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        made: Tensor = self.layer(torch.cat([noise.flatten(1), condition], dim=1))
        return made.reshape(-1, 2, 16)


class MostlyHidden(nn.Module):
    """A reshape by number hides the wide layer; what can be cut is next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Linear(67, 2048)
        self.first, self.last = nn.Conv1d(128, 8, 1), nn.Conv1d(8, 2, 1)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        x = self.wide(torch.cat([noise.flatten(1), condition], dim=1)).reshape(-1, 128, 16)
        made: Tensor = self.last(F.relu(self.first(F.relu(x))))
        return made


def test_a_network_in_which_nothing_can_be_pruned_is_refused() -> None:
    with pytest.raises(GateError, match="nothing in the model can be pruned.*leave the step out"):
        prune(bare(NothingToPrune(), traced=False), SCHEMA, ratio=0.5, round_to=1, by=ALL_ALIKE, seed=3)


def test_pruning_that_saves_next_to_nothing_is_refused_with_what_stood_in_the_way() -> None:
    with pytest.raises(
        GateError, match=r"saves only \d+% of the multiply-adds and \d+% of the weights \(network\.\w+: .*shape"
    ):
        prune(bare(MostlyHidden(), traced=False), SCHEMA, ratio=0.5, round_to=1, by=ALL_ALIKE, seed=3)
