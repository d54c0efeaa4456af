"""A packed bundle opens, repeats its golden samples, tells where it comes from, and is whole or not there."""

import dataclasses
import errno
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.benchmarks.latency import Ratio
from edgeward.compression import Compressed, CompressionRecipe, load_compression_recipe, pack
from edgeward.compression.default_variant import Speed, split_name
from edgeward.compression.pack import FORBIDDEN_USE, intended_use
from edgeward.runtime.backends import BACKENDS
from edgeward.runtime.bundle import Bundle, open_bundle
from edgeward.runtime.errors import BackendError, EdgewardError, OutputError
from edgeward.runtime.golden import check_golden
from edgeward.runtime.manifest import CARD_NAME, GOLDEN_NAME, MANIFEST_NAME
from edgeward.runtime.provenance import STATEMENT
from edgeward.runtime.schema import Channel, ClassCondition, ImageSchema, NumberColumn, SignalSchema, TableSchema
from edgeward.training.checkpoint import Checkpoint

Packer = Callable[..., Bundle]


@pytest.fixture(scope="module")
def recipe(compression_recipe_path: Path) -> CompressionRecipe:
    return load_compression_recipe(compression_recipe_path)


@pytest.fixture
def pack_tiny(teacher: Checkpoint, compressed: Compressed, recipe: CompressionRecipe) -> Packer:
    """Pack the tiny generator at a path, with changes."""

    def pack_at(path: Path, version: str = "1.2.3", outcome: Compressed = compressed) -> Bundle:
        return pack(path, teacher, outcome, recipe, name="tiny", version=version, seed=1)

    return pack_at


def tree(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files too."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_bundle_holds_just_its_graphs_golden_samples_card_and_manifest(
    bundle: Bundle, compressed: Compressed
) -> None:
    graphs = {f"variants/{hashlib.sha256(graph).hexdigest()}.onnx" for graph in compressed.graphs.values()}
    assert set(tree(bundle.path)) == {MANIFEST_NAME, CARD_NAME, GOLDEN_NAME, *graphs}
    assert bundle.read(bundle.manifest.variant("fp32").file) == compressed.graphs["fp32"]
    assert bundle.read(bundle.manifest.variant("int8").file) == compressed.graphs["int8"]


def test_a_bundle_opens_again_with_the_same_digest(bundle: Bundle) -> None:
    assert open_bundle(bundle.path).digest == bundle.digest


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_golden_samples_are_repeated_on_every_engine(precision: str, engine: str, bundle: Bundle) -> None:
    if not BACKENDS[engine].probe().available:
        pytest.skip(f"{engine} is not installed")
    result = check_golden(bundle, engine, precision)
    assert result.passed, result
    assert engine != "onnxruntime" or result.error == 0.0, "it recorded them"


def test_the_float_tolerance_is_tight_and_the_int8_one_is_what_quantisation_changed(bundle: Bundle) -> None:
    fp32, int8 = (bundle.manifest.variant(precision).tolerance_for("any") for precision in ("fp32", "int8"))
    assert fp32 == 1e-4
    assert 1e-4 < int8 < 0.2


def test_variants_tell_what_the_steps_measured(bundle: Bundle, compressed: Compressed) -> None:
    for precision, step in (("fp32", compressed.steps[2]), ("int8", compressed.steps[3])):
        variant = bundle.manifest.variant(precision)
        assert (variant.parameters, variant.multiply_adds) == (step.cost.parameters, step.cost.multiply_adds)


def timed(times_faster: dict[tuple[str, str], float]) -> tuple[Speed, ...]:
    """Variants as if they had been timed: how many times faster than fp32 on which engine, each surely."""
    return tuple(
        Speed(engine, variant, split_name(variant)[0], Ratio(variant, 100 / faster, faster, faster, faster, 9))
        for (engine, variant), faster in times_faster.items()
    )


@pytest.mark.parametrize(
    ("faster", "default", "on"),
    [
        ({("onnxruntime", "int8"): 2.0, ("openvino", "int8"): 3.0}, "int8", {"tensorrt": "fp32"}),
        ({("onnxruntime", "int8"): 0.5, ("openvino", "int8"): 0.5}, "fp32", {}),
        ({("onnxruntime", "int8"): 1.0, ("openvino", "int8"): 1.5}, "fp32", {"openvino": "int8"}),
        ({("onnxruntime", "int8"): 1.5, ("openvino", "int8"): 0.5}, "int8", {"openvino": "fp32", "tensorrt": "fp32"}),
    ],
)
def test_the_default_on_an_engine_is_the_fastest_that_is_measurably_faster_than_float(
    faster: dict[tuple[str, str], float],
    default: str,
    on: dict[str, str],
    pack_tiny: Packer,
    compressed: Compressed,
    tmp_path: Path,
) -> None:
    packed = pack_tiny(tmp_path / "tiny.edgeward", outcome=dataclasses.replace(compressed, speeds=timed(faster)))
    assert (packed.manifest.default_precision, packed.manifest.default_precision_on) == (default, on)
    slow = [engine for (engine, _), times in faster.items() if times <= 1]
    card = (packed.path / CARD_NAME).read_text()
    for engine in ("onnxruntime", "openvino"):
        assert (f"than fp32 on {engine}" in card) == (engine in slow), "what is no gain is told, and nothing else"


def test_the_manifest_tells_name_version_licence_and_uses(bundle: Bundle, teacher: Checkpoint) -> None:
    manifest = bundle.manifest
    assert (manifest.name, manifest.version) == ("tiny", "1.2.3")
    assert manifest.data == teacher.schema
    assert (manifest.licence, manifest.attribution) == (teacher.provenance.licence, teacher.provenance.attribution)
    assert (manifest.intended_use, manifest.forbidden_use) == (intended_use(teacher.schema), FORBIDDEN_USE)
    assert json.loads((bundle.path / MANIFEST_NAME).read_text())["synthetic_data_only"] is True


def test_what_a_bundle_is_for_is_told_in_the_words_of_its_kind_of_data() -> None:
    kinds = {
        "signals": SignalSchema("ecg", "", (Channel("II", "mV", -1.0, 1.0),), 250.0, 8, ()),
        "images": ImageSchema("scans", "", ("grey",), 4, 4, ()),
        "tables": TableSchema("ward", "", (NumberColumn("lactate", "mmol/L", 0.0, 30.0),), ()),
    }
    for kind, schema in kinds.items():
        words = " ".join(intended_use(schema)).replace(",", "").split()
        assert set(words) & set(kinds) == {kind}


def test_the_lineage_leads_back_to_data_teacher_recipe_and_steps(
    bundle: Bundle, teacher: Checkpoint, compressed: Compressed, recipe: CompressionRecipe
) -> None:
    lineage = bundle.manifest.lineage
    assert lineage["data"]["digest"] == teacher.provenance.digest
    assert lineage["data"]["source"] == teacher.provenance.source
    assert lineage["teacher"]["recipe"] == teacher.recipe.to_json()
    assert lineage["teacher"]["seed"] == teacher.seed
    assert lineage["teacher"]["cost"] == compressed.teacher_cost.to_json()
    assert lineage["compression"]["recipe"] == recipe.to_json()
    assert lineage["compression"]["seed"] == 1
    assert lineage["compression"]["data_free"] is True
    assert lineage["compression"]["steps"] == [step.to_json() for step in compressed.steps]
    assert lineage["compression"]["student_relative_l2"] == compressed.student_relative_l2
    assert set(lineage["made_with"]) == {"edgeward", "python", "cpu", "cpu_class"}


def test_no_path_of_the_machine_that_packed_is_told(bundle: Bundle) -> None:
    for name in (MANIFEST_NAME, CARD_NAME):
        content = (bundle.path / name).read_text()
        for place in (Path.cwd(), Path.home(), bundle.path.parent):
            assert str(place) not in content, name


def test_the_card_says_that_everything_is_synthetic_and_what_is_forbidden(bundle: Bundle) -> None:
    card = (bundle.path / CARD_NAME).read_text()
    assert card.startswith(f"# tiny 1.2.3\n\n**{STATEMENT}.**\n")
    assert "not for clinical use" in STATEMENT
    assert all(f"- {use}\n" in card for use in (*bundle.manifest.intended_use, *FORBIDDEN_USE))


def test_the_card_describes_the_data_and_each_class(bundle: Bundle, teacher: Checkpoint) -> None:
    card, (condition,) = (bundle.path / CARD_NAME).read_text(), teacher.schema.conditions
    assert isinstance(condition, ClassCondition)
    for channel in teacher.schema.channels:
        assert f"| {channel.name} | {channel.unit} | {channel.minimum:g} to {channel.maximum:g} |" in card
    for value, meaning in zip(condition.values, condition.meanings, strict=True):
        assert f"  - `{value}`: {meaning}\n" in card
    assert teacher.provenance.licence in card
    assert all(f"- {note}\n" in card for note in teacher.provenance.notes)


def test_the_card_has_a_line_for_the_teacher_and_each_step(bundle: Bundle, compressed: Compressed) -> None:
    lines = (bundle.path / CARD_NAME).read_text().splitlines()
    assert any(line.startswith(f"| teacher | {compressed.teacher_cost.parameters:,} |") for line in lines)
    for step in compressed.steps:
        (line,) = (line for line in lines if line.startswith(f"| {step.do} |"))
        assert f"| {step.cost.bytes:,} |" in line
        assert line.endswith(f"| {step.error:.3f} |")


def test_packing_again_gives_the_same_bytes(bundle: Bundle, pack_tiny: Packer, tmp_path: Path) -> None:
    assert tree(pack_tiny(tmp_path / "again.edgeward").path) == tree(bundle.path)


def test_a_bundle_that_was_there_is_replaced_as_a_whole(pack_tiny: Packer, tmp_path: Path) -> None:
    path = tmp_path / "tiny.edgeward"
    pack_tiny(path, version="1.0.0")
    (path / "left-over").touch()
    assert pack_tiny(path, version="2.0.0").manifest.version == "2.0.0"
    assert open_bundle(path).manifest.version == "2.0.0"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("writes", [0, 1, 3, 4])
def test_a_full_disk_leaves_what_was_there_and_nothing_half_written(
    writes: int, there: bool, pack_tiny: Packer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.edgeward"
    if there:
        pack_tiny(path, version="1.0.0")
    before, write, left = tree(tmp_path), Path.write_bytes, writes

    def write_until_full(self: Path, data: bytes) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(OutputError, match="No space left on device"):
        pack_tiny(path, version="2.0.0")
    assert tree(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == there


def test_a_place_that_is_not_there_is_an_output_error(pack_tiny: Packer, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        pack_tiny(tmp_path / "no-such-folder" / "tiny.edgeward")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_no_engine_takes_is_not_packed(pack_tiny: Packer, compressed: Compressed, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="refuses the graph"):
        pack_tiny(
            tmp_path / "tiny.edgeward",
            outcome=dataclasses.replace(compressed, graphs={**compressed.graphs, "int8": b"damaged"}),
        )
    assert not list(tmp_path.iterdir())


def test_a_bundle_with_one_byte_changed_is_not_opened(pack_tiny: Packer, tmp_path: Path) -> None:
    bundle = pack_tiny(tmp_path / "tiny.edgeward")
    graph = bundle.path / bundle.manifest.variant("int8").file
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(EdgewardError, match="changed or damaged"):
        open_bundle(bundle.path)
