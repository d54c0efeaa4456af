"""Somebody else's torch generator becomes a teacher, and goes the way of ours; what breaks the contract is named."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from edgeward.runtime import load
from edgeward.runtime.errors import TrainingError
from edgeward.runtime.feed import Feed
from edgeward.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edgeward.training.foreign.read import read_foreign_model

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]
HERE = Path(__file__).parent
IMAGE = """
name = "chest-images"
description = "One image."
kind = "image"
channels = ["grey"]
height = 28
width = 28
conditions = [{kind = "class", name = "finding", values = ["normal", "pneumonia"]}]
data = "images"
source = "images of nobody"
licence = "CC0-1.0"
attribution = "nobody"
inputs.z = {from = "noise", shape = [16]}
inputs.y = {from = "finding"}
output.scale = 0.5
output.offset = 0.5
"""
SIGNAL = """
name = "pulse"
description = "One pulse."
kind = "signal"
channels = [
    {name = "ABP", unit = "mm[Hg]", range = [0, 200]},
    {name = "PLETH", unit = "1", range = [0, 1]},
]
sampling_rate_hz = 64
length = 64
conditions = [
    {kind = "class", name = "state", values = ["a", "b", "c"], meanings = {a = "first"}},
    {kind = "number", name = "rate", unit = "/min", range = [40, 160]},
]
source = "pulses of nobody"
licence = "CC0-1.0"
attribution = "nobody"
inputs.u = {from = "noise", shape = [4], distribution = "uniform", scale = 2.0, offset = -1.0}
inputs.label = {from = "state", as = "index"}
inputs.rate = {from = "rate", scale = 0.01}
inputs.gain = {constant = 0.5}
output.layout = "channels last"
output.scale = [100.0, 0.5]
output.offset = [100.0, 0.5]
"""
RECIPE = """
name = "tiny"
step = [
    {do = "prune", ratio = 0.3, round_to = 4},
    {do = "distil", steps = 10, batch_size = 16, learning_rate = 1e-3},
    {do = "export"},
    {do = "quantise", samples = 32, percentile = 99.99, error_budget = 1.0},
]
[allowance]
student_relative_l2 = 5.0
int8_relative_l2 = 1.0
"""


@pytest.fixture
def bring(edgeward_here: Run, out: Path) -> Run:
    """Import a model of `own_model` by a description."""

    def run(model: str, text: str = IMAGE, *more: object) -> subprocess.CompletedProcess[str]:
        (out / "own.toml").write_text(text)
        where = ("--path", HERE, "--schema", out / "own.toml", "-o", out / "teacher.pt", "--seed", 1)
        return edgeward_here("import", model, *where, *more)

    return run


def test_an_imported_gan_is_compressed_verified_measured_and_generates(
    bring: Run, edgeward_here: Run, out: Path
) -> None:
    assert bring("own_model:gan").returncode == 0
    (out / "tiny.toml").write_text(RECIPE)
    made = edgeward_here("compress", out / "teacher.pt", "--recipe", out / "tiny.toml", "-o", out / "gan.edgeward")
    assert made.returncode == 0, made.stderr
    assert edgeward_here("bundle", "verify", out / "gan.edgeward").returncode == 0
    moment = ("--quick", "--processes", 1, "--max-time", 1, "--backend", "onnxruntime")
    measured = edgeward_here("bench", out / "gan.edgeward", "--teacher", out / "teacher.pt", *moment)
    assert measured.returncode == 0, measured.stderr
    with load(out / "gan.edgeward") as generator:
        samples = generator.generate(8, condition={"finding": "normal"}, seed=1).samples
    assert samples.shape == (8, 1, 28, 28)
    assert samples.min() >= 0
    assert samples.max() <= 1
    lineage = json.loads((out / "gan.edgeward" / "manifest.json").read_text())["lineage"]
    assert lineage["teacher"]["recipe"]["imported"]["origin"]["module"] == "own_model:gan"
    assert "trained elsewhere and imported" in (out / "gan.edgeward" / "CARD.md").read_text()
    assert "network" not in lineage["teacher"]["recipe"]["imported"]
    before, after = (lineage[k] for k in ("teacher", "compression"))
    assert after["steps"][0]["cost"]["parameters"] < 0.8 * before["cost"]["parameters"]


def test_the_teacher_makes_what_the_module_makes_without_its_code(bring: Run, out: Path) -> None:
    assert bring("own_model:gan").returncode == 0
    sys.path.insert(0, str(HERE))
    try:
        import own_model
    finally:
        sys.path.remove(str(HERE))
    module = own_model.gan().eval()
    sys.modules.pop("own_model")
    teacher = load_checkpoint(out / "teacher.pt")
    inputs = Feed(3, (16,), teacher.schema.conditions, {}).take(0, 9)
    noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
    with torch.no_grad():
        wanted = module(noise, condition) * 0.5 + 0.5
        found = teacher.generator()(noise, condition)
    assert torch.allclose(found, wanted, atol=1e-6)
    assert "own_model" not in sys.modules


def test_inputs_and_outputs_are_mapped_as_described(bring: Run, out: Path) -> None:
    result = bring("own_model:signal", SIGNAL, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["notes"] == []
    teacher = load_checkpoint(out / "teacher.pt")
    weights = teacher.weights
    embedding = next(t for t in weights.values() if t.shape == (3, 3)).numpy()
    matrix = next(t for t in weights.values() if t.shape == (128, 8)).numpy()
    bias = next(t for t in weights.values() if t.shape == (128,)).numpy()
    inputs = Feed(3, (4,), teacher.schema.conditions, {}).take(0, 9)
    uniform = torch.distributions.Normal(0.0, 1.0).cdf(torch.from_numpy(inputs.noise)).numpy() * 2 - 1
    state, rate = inputs.condition[:, :3].argmax(axis=1), inputs.condition[:, 3:] * 0.01
    own = np.tanh(np.concatenate([uniform, embedding[state], rate], axis=1) @ matrix.T + bias).reshape(-1, 64, 2)
    wanted = np.stack([own[:, :, 0] * 100 + 100, own[:, :, 1] * 0.5 + 0.5], axis=1)
    with torch.no_grad():
        found = teacher.generator()(torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("model", "code", "told"),
    [
        ("own_model", 2, "module:callable"),
        ("no_such_model:make", 2, "there is no module 'no_such_model'"),
        ("own_model:nothing", 2, "has no 'nothing'"),
        ("own_model:number", 2, "gave a float, not a torch.nn.Module"),
        ("own_model:fails", 2, "ValueError: no GPU"),
        ("own_model:strange_random", 7, "draws random numbers"),
        ("own_model:strange_dropout", 7, "draws random numbers"),
        ("own_model:strange_nan", 7, "NaN or infinite"),
        ("own_model:strange_mixed", 7, "changes with the others of its batch"),
        ("own_model:strange_deaf", 7, "does not depend on what inputs call noise"),
        ("own_model:strange_branch", 2, "cannot be written down as fixed steps"),
        ("own_model:strange_unknown", 2, "which is not known here"),
        ("own_model:strange_huge", 7, "outside its range"),
        ("own_model:strange_short", 3, "the model gives [700] a sample"),
        ("own_model:signal", 3, "no argument 'z'"),
        ("absent.onnx", 2, "--weights and --path are for a torch.nn.Module"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused_by_name(
    bring: Run, refused: Refused, out: Path, model: str, code: int, told: str
) -> None:
    refused(bring(model), code, told)
    assert not (out / "teacher.pt").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('inputs.y = {from = "finding"}', "", "nothing is said of the model's argument 'y'"),
        ('from = "finding"', 'from = "age"', "from = 'age' is not known"),
        ('from = "noise", shape = [16]', 'from = "noise"', "the shape must be said"),
        ("shape = [16]", "shape = [17]", "mend inputs"),
        ('licence = "CC0-1.0"', 'licence = ""', "licence is empty"),
        ('licence = "CC0-1.0"\n', "", "licence"),
        ("output.scale = 0.5", "output.scale = 0", "scale must not be 0"),
        ("output.scale = 0.5", 'output.layout = "sideways"', "layout must be"),
        ('kind = "image"', 'kind = "sound"', "kind must be one of"),
        ("height = 28", "height = 28\nwdith = 28", "'wdith'"),
        ("height = 28", "height = 14", "says [1, 14, 28]"),
        ('name = "chest', "name = chest", "not valid TOML"),
    ],
)
def test_a_wrong_description_is_refused_by_name(bring: Run, refused: Refused, old: str, new: str, told: str) -> None:
    assert old in IMAGE
    refused(bring("own_model:gan", IMAGE.replace(old, new)), 3, told)


def test_a_condition_that_changes_nothing_is_told(bring: Run) -> None:
    result = bring("own_model:strange_class_deaf", IMAGE, "--json")
    assert json.loads(result.stdout)["notes"] == ["The condition finding changes nothing."]


def test_weights_that_hold_code_are_not_run(bring: Run, refused: Refused, out: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (out / "ran",))  # type: ignore[return-value]

    torch.save({"weight": Hostile()}, out / "weights.pt")
    refused(bring("own_model:gan", IMAGE, "--weights", out / "weights.pt"), 3, "holds more than tensors")
    assert not (out / "ran").exists()


def test_weights_are_taken_from_the_file(bring: Run, out: Path) -> None:
    assert bring("own_model:gan").returncode == 0
    first = load_checkpoint(out / "teacher.pt").weights["network.layers.0.weight"]
    sys.path.insert(0, str(HERE))
    import own_model

    sys.path.remove(str(HERE))
    torch.save({f"module.{k}": v * 0.5 for k, v in own_model.gan().state_dict().items()}, out / "weights.pt")
    assert bring("own_model:gan", IMAGE, "--weights", out / "weights.pt", "--overwrite").returncode == 0
    assert torch.equal(load_checkpoint(out / "teacher.pt").weights["network.layers.0.weight"], first * 0.5)


@pytest.fixture
def imported(bring: Run, out: Path) -> Checkpoint:
    assert bring("own_model:gan").returncode == 0
    return load_checkpoint(out / "teacher.pt")


@pytest.mark.parametrize(
    "step",
    [
        [["function", "os.system"], ["touch ran"], {}],
        [["function", "torch.load"], ["ran"], {}],
        [["method", "__reduce__"], [{"node": 0}], {}],
        [["method", "format"], ["{0.__class__}", {"node": 0}], {}],
        [["attribute", "__class__"], [{"node": 0}], {}],
        [["attribute", "shape"], ["text"], {}],
        [["layer", 99], [{"node": 0}], {}],
        [["method", "abs"], [{"node": 999}], {}],
        [["method", "abs"], [{"node": -1}], {}],
        [["eval", "1"], [], {}],
        [["function", "operator.pow"], [7, 10**6], {}],
        [["function", "operator.mul"], [[0], 10**8], {}],
        [["function", "operator.mul"], [2**62, 4], {}],
        [["function", "operator.mod"], ["%100000000d", 1], {}],
        [["function", "torch.abs"], [{"node": 0}], {"wrong": 1}],
        "step",
        [[{}, []], 1, None],
    ],
)
def test_a_hostile_checkpoint_is_refused_before_anything_is_called(
    imported: Checkpoint, out: Path, step: object
) -> None:
    network = imported.recipe.options["network"]
    network["steps"].append(step)
    save_checkpoint(imported, out / "hostile.pt")
    with pytest.raises(TrainingError, match="cannot be rebuilt"):
        load_checkpoint(out / "hostile.pt").generator()


def test_a_checkpoint_cannot_name_a_layer_that_is_not_allowed(imported: Checkpoint) -> None:
    imported.recipe.options["network"]["layers"][0] = ["Module", {}]
    with pytest.raises(TrainingError, match="not allowed"):
        imported.generator()


def test_an_imported_model_is_not_trained_here(imported: Checkpoint) -> None:
    with pytest.raises(TrainingError, match="cannot be trained here"):
        imported.family().players()


@pytest.mark.parametrize("name", ["image-gan", "onnx-gan", "signal-model"])
def test_the_descriptions_in_the_docs_can_be_read(name: str) -> None:
    described = read_foreign_model(HERE.parents[1] / "docs" / "examples" / f"{name}.toml")
    assert [each.name for each in described.inputs]


@pytest.mark.slow
def test_an_imported_gan_is_judged(bring: Run, edgeward_here: Run, out: Path) -> None:
    assert bring("own_model:gan", IMAGE.replace("pneumonia", "opacity")).returncode == 0
    (out / "tiny.toml").write_text(RECIPE)
    arguments = (out / "teacher.pt", "--recipe", out / "tiny.toml", "-o", out / "gan.edgeward", "--seed", 1)
    assert edgeward_here("compress", *arguments).returncode == 0
    judged = edgeward_here("evaluate", out / "gan.edgeward", "--against", "simulated", "--quick", "--seed", 1, "--json")
    assert judged.returncode == 0, judged.stderr
