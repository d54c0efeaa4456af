"""The backend's own code builds engines of a bundle's variants with NVIDIA's package, and tells why it cannot run them.

TensorRT-RTX builds without a GPU (`make test-oracles`). Where there is a GPU, this is where it would be run too.
"""

from pathlib import Path

import pytest
from edgeward.compression import compress, load_compression_recipe, pack
from edgeward.runtime import BackendError, Bundle
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.backends.plan_cache import Plan, PlanCache, key_of
from edgeward.runtime.backends.tensorrt import _Engine
from edgeward.runtime.backends.tensorrt_plan import TENSORRT_RTX, build_plan, import_package
from edgeward.runtime.golden import check_golden
from edgeward.training.checkpoint import Checkpoint

pytest.importorskip("tensorrt_rtx", reason="an oracle: make test-oracles")
pytestmark = pytest.mark.oracle

RECIPE = """
name = "for-tensorrt"
step = [
    {do = "prune", ratio = 0.4, round_to = 8},
    {do = "export"},
    {do = "quantise", samples = 64, percentile = 99.99, error_budget = 1.0},
    {do = "quantise", engine = "tensorrt", samples = 64, percentile = 99.99, error_budget = 1.0},
]
[allowance]
student_relative_l2 = 50.0
int8_relative_l2 = 5.0
"""


@pytest.fixture(scope="module")
def with_variants(teacher: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with fp32, int8 and int8-tensorrt."""
    folder = tmp_path_factory.mktemp("tensorrt")
    (folder / "recipe.toml").write_text(RECIPE)
    recipe = load_compression_recipe(folder / "recipe.toml")
    compressed = compress(teacher, recipe, folder / "work", seed=1)
    return pack(folder / "x.edgeward", teacher, compressed, recipe, name="x", version="1.0.0", seed=1)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_engines_of_a_bundles_variants_are_built_and_kept(
    precision: str, with_variants: Bundle, tmp_path: Path
) -> None:
    variant = with_variants.manifest.variant(precision, "tensorrt-rtx")
    assert variant.engine == ("any" if precision == "fp32" else "tensorrt")
    plan = build_plan(import_package(TENSORRT_RTX), with_variants.read(variant.file))
    assert (plan.inputs, plan.outputs) == (("noise", "condition"), ("sample",))
    cache = PlanCache(tmp_path / "engines")
    cache.write(key_of({}), plan, {})
    assert cache.read(key_of({}))[0] == plan


def test_the_form_for_onnxruntime_is_refused_by_its_operator(with_variants: Bundle) -> None:
    (variant,) = [v for v in with_variants.manifest.variants if v.name == "int8"]
    with pytest.raises(BackendError, match="refuses the graph: DequantizeLinear '.*bias.*Int32"):
        build_plan(import_package(TENSORRT_RTX), with_variants.read(variant.file))


@pytest.mark.parametrize("model", [b"", b"no graph"])
def test_what_is_no_graph_is_refused(model: bytes) -> None:
    with pytest.raises(BackendError, match=r"tensorrt_rtx 1\."):
        build_plan(import_package(TENSORRT_RTX), model)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_gpu_gives_the_golden_samples(precision: str, with_variants: Bundle) -> None:
    availability = backend_named("tensorrt-rtx").probe()
    if not availability.available:
        pytest.skip(availability.reason)
    assert check_golden(with_variants, "tensorrt-rtx", precision).passed


def test_without_a_gpu_every_way_in_says_so(with_variants: Bundle) -> None:
    backend = backend_named("tensorrt-rtx")
    if backend.probe().available:
        pytest.skip("there is a GPU")
    assert "no NVIDIA driver here (libcuda.so.1" in backend.probe().reason
    content = with_variants.read(with_variants.manifest.variant("fp32").file)
    with pytest.raises(BackendError, match="no NVIDIA driver here"):
        backend.open(content, Options())
    package = import_package(TENSORRT_RTX)
    with pytest.raises(BackendError, match="cannot use the engine .*driver is absent, or older than"):
        _Engine(package, build_plan(package, content), "built here")
    with pytest.raises(BackendError, match="cannot use the engine that was built"):
        _Engine(package, Plan(b"no engine", (), ()), "nowhere")
