"""Pruning takes out whole channels, the number asked for, and can be repeated on a fresh copy."""

import copy
import io

import pytest
import torch
from edgeward.compression.cost import count_torch_multiply_adds
from edgeward.compression.error import probe_inputs, run_torch
from edgeward.compression.steps.prune import prune, replay_pruning
from edgeward.runtime.errors import GateError
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.families import Generative
from torch import nn

WIDTHS = [32, 32, 24, 16]
"""Of the tiny teacher's convolutions, but the last."""


def convolutions(model: nn.Module) -> list[nn.Conv1d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv1d)]


def linear_shapes(model: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(module.weight.shape) for module in model.modules() if isinstance(module, nn.Linear)]


@pytest.mark.parametrize(("ratio", "round_to"), [(0.4, 8), (0.5, 8), (0.25, 8), (0.3, 1), (0.5, 5), (0.5, 1)])
def test_what_is_left_is_the_largest_multiple_that_the_ratio_allows(
    ratio: float, round_to: int, teacher: Checkpoint
) -> None:
    pruned, _ = prune(teacher.generator(), teacher.schema, ratio=ratio, round_to=round_to, seed=3)
    expected = [int((1 - ratio) * width / round_to) * round_to for width in WIDTHS]
    assert [conv.out_channels for conv in convolutions(pruned)] == [*expected, 2]


def test_the_weights_themselves_are_smaller_in_both_directions(teacher: Checkpoint) -> None:
    pruned, _ = prune(teacher.generator(), teacher.schema, ratio=0.4, round_to=8, seed=3)
    shapes = [tuple(conv.weight.shape) for conv in convolutions(pruned)]
    assert shapes == [(16, 32, 5), (16, 16, 5), (8, 16, 5), (8, 8, 5), (2, 8, 5)]
    norms = [module.num_features for module in pruned.modules() if isinstance(module, nn.BatchNorm1d)]
    assert norms == [16, 16, 8, 8]


def test_pruning_saves_multiply_adds(teacher: Checkpoint) -> None:
    model = teacher.generator()
    pruned, _ = prune(model, teacher.schema, ratio=0.4, round_to=8, seed=3)
    inputs = torch.zeros(1, 6), torch.zeros(1, 5)
    assert count_torch_multiply_adds(pruned, *inputs) < 0.3 * count_torch_multiply_adds(model, *inputs)


def test_the_channels_of_the_signal_and_all_linear_layers_stay_whole(teacher: Checkpoint) -> None:
    model = teacher.generator()
    pruned, _ = prune(model, teacher.schema, ratio=0.5, round_to=1, seed=3)
    assert convolutions(pruned)[-1].out_channels == len(teacher.schema.channels)
    assert linear_shapes(pruned) == linear_shapes(model)
    assert all(parameter.requires_grad for parameter in pruned.parameters())
    assert all(parameter.grad is None for parameter in pruned.parameters())


def test_samples_keep_their_shape(teacher: Checkpoint) -> None:
    pruned, _ = prune(teacher.generator(), teacher.schema, ratio=0.5, round_to=1, seed=3)
    for n in (1, 3):
        assert pruned(torch.zeros(n, 6), torch.zeros(n, 5)).shape == (n, 2, 256)


def test_the_model_given_is_left_as_it_was(teacher: Checkpoint) -> None:
    model = teacher.generator()
    before = copy.deepcopy(model.state_dict())
    prune(model, teacher.schema, ratio=0.5, round_to=8, seed=3)
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_channels_that_do_nothing_are_the_first_to_go(teacher: Checkpoint) -> None:
    model = teacher.generator()
    first = next(module for module in model.modules() if isinstance(module, nn.BatchNorm1d))
    idle = list(range(0, 32, 2))
    with torch.no_grad():
        first.weight[idle] = 0.0
        first.bias[idle] = -1.0  # below zero, so that ReLU gives nothing
    inputs = probe_inputs((6,), teacher.schema)
    before = run_torch(model, inputs)
    _, history = prune(model, teacher.schema, ratio=0.5, round_to=1, seed=3)
    taken = {name: set(indices) for name, is_output, indices in history if is_output}
    assert taken["decoder.first.conv"] == set(idle)
    assert run_torch(model, inputs).tobytes() == before.tobytes()


@pytest.mark.parametrize("rounds", [1, 2])
def test_replayed_on_a_fresh_copy_it_gives_the_same_samples_bit_for_bit(rounds: int, teacher: Checkpoint) -> None:
    pruned: Generative = teacher.generator()
    histories = []
    for number in range(rounds):
        pruned, history = prune(pruned, teacher.schema, ratio=0.3, round_to=2, seed=number)
        histories.append(history)
    file = io.BytesIO()
    torch.save({"weights": pruned.state_dict(), "histories": histories}, file)
    file.seek(0)
    content = torch.load(file, weights_only=True)  # nothing but plain values is needed

    fresh = teacher.generator()
    for history in content["histories"]:
        replay_pruning(fresh, history)
    fresh.load_state_dict(content["weights"])
    inputs = probe_inputs((6,), teacher.schema)
    assert run_torch(fresh, inputs).tobytes() == run_torch(pruned, inputs).tobytes()
    assert all(parameter.requires_grad for parameter in fresh.parameters())


def test_the_same_seed_takes_out_the_same_channels(teacher: Checkpoint) -> None:
    one, other = (prune(teacher.generator(), teacher.schema, ratio=0.4, round_to=8, seed=3)[0] for _ in range(2))
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.mark.parametrize(("ratio", "round_to"), [(0.9, 8), (0.4, 32), (0.5, 16), (0.99, 1)])
def test_a_ratio_that_rounding_makes_impossible_is_refused(ratio: float, round_to: int, teacher: Checkpoint) -> None:
    with pytest.raises(GateError, match=rf"left \d+ of \d+ channels though {ratio:.0%} should go; use a smaller"):
        prune(teacher.generator(), teacher.schema, ratio=ratio, round_to=round_to, seed=3)
