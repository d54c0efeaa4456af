"""A bundle may hold an OpenVINO IR: that engine gets it, the others the ONNX graph; it is checked before it is read."""

import dataclasses
import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import BackendError, Bundle, BundleError, load, open_bundle
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.backends.openvino_ir import MAX_IR_BYTES, check_ir
from edgeward.runtime.golden import check_golden
from edgeward.runtime.manifest import GOLDEN_NAME, MANIFEST_NAME, FileEntry, Variant
from hypothesis import given, settings
from hypothesis import strategies as st

LAYER = '<layer id="9" name="x" type="{}" version="{}"/></layers>'


@pytest.fixture(scope="module")
def ir(small_graph: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The small graph as a description and weights; its samples are those of the ONNX graph with another sign."""
    openvino = pytest.importorskip("openvino")
    from openvino import opset13 as operators  # type: ignore[import-not-found]

    model = openvino.Core().read_model(small_graph())
    result = model.get_results()[0]
    negative = operators.negative(result.input_value(0))
    result.input(0).replace_source_output(negative.output(0))
    path = tmp_path_factory.mktemp("ir") / "small.xml"
    openvino.serialize(model, path)
    description = re.sub(rb"\s*<rt_info.*?(</rt_info>|/>)", b"", path.read_bytes(), flags=re.DOTALL)
    return description, path.with_suffix(".bin").read_bytes()


@pytest.fixture
def bundle_with_ir(small_bundle: Bundle, ir: tuple[bytes, bytes], tmp_path: Path) -> Bundle:
    files = {
        f"variants/{hashlib.sha256(part).hexdigest()}.{end}": part for part, end in zip(ir, ("xml", "bin"), strict=True)
    }
    description, weights = files
    golden = np.load(io.BytesIO(small_bundle.read(GOLDEN_NAME)))["fp32"]
    buffer = io.BytesIO()
    np.savez(buffer, **{"fp32": golden, "fp32-openvino": -golden})
    contents = {name: small_bundle.read(name) for name in small_bundle.manifest.files} | files
    contents[GOLDEN_NAME] = buffer.getvalue()
    variant = Variant("fp32", description, 1, 1, {"default": 1e-4}, "openvino", weights)
    entries = {name: FileEntry(hashlib.sha256(content).hexdigest(), len(content)) for name, content in contents.items()}
    manifest = dataclasses.replace(
        small_bundle.manifest, files=entries, variants=(*small_bundle.manifest.variants, variant)
    )
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / MANIFEST_NAME).write_bytes(manifest.to_bytes())
    return open_bundle(tmp_path)


def test_each_engine_runs_what_is_meant_for_it_and_says_which(bundle_with_ir: Bundle) -> None:
    with load(bundle_with_ir) as general, load(bundle_with_ir, backend="openvino") as own:
        wanted, found = general.generate(3, seed=1), own.generate(3, seed=1)
        described = own.describe()["variant"]
    np.testing.assert_allclose(found.samples, -wanted.samples, rtol=1e-5)
    assert (wanted.provenance["variant"], found.provenance["variant"]) == ("fp32", "fp32-openvino")
    assert wanted.provenance["precision"] == found.provenance["precision"] == "fp32"
    assert described == "fp32-openvino"


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_each_variant_has_golden_samples_of_its_own(bundle_with_ir: Bundle, engine: str) -> None:
    assert check_golden(bundle_with_ir, engine, "fp32").passed


def test_damaged_weights_are_found_before_the_engine_sees_them(bundle_with_ir: Bundle) -> None:
    weights = bundle_with_ir.manifest.variant("fp32", "openvino").weights
    assert weights
    content = bytearray((bundle_with_ir.path / weights).read_bytes())
    content[0] ^= 1
    (bundle_with_ir.path / weights).write_bytes(content)
    with pytest.raises(BundleError, match="has been changed or damaged"):
        load(bundle_with_ir, backend="openvino")


def test_onnxruntime_refuses_an_ir(ir: tuple[bytes, bytes]) -> None:
    with pytest.raises(BackendError, match="use the openvino backend"):
        backend_named("onnxruntime").open(ir[0], Options(), ir[1])


def test_an_ir_that_pretends_to_be_onnx_is_refused(ir: tuple[bytes, bytes]) -> None:
    with pytest.raises(BackendError, match="does not begin as ONNX does"):
        backend_named("openvino").open(ir[0], Options())


def test_an_ir_as_it_is_made_passes(ir: tuple[bytes, bytes]) -> None:
    check_ir(*ir)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<net", '<!DOCTYPE net [<!ENTITY a "b">]><net', "a document type"),
        ("<net", "<?include x?><net", "an instruction"),
        ("<net", "<!-- x --><net", "a comment"),
        ("<layers>", "<layers><![CDATA[x]]>", "unparsed text"),
        ("</layers>", LAYER.format("Custom", "extension"), "'Custom' of 'extension'"),
        ("</layers>", LAYER.format("ReLU", "extension"), "'ReLU' of 'extension'"),
        ("</layers>", LAYER.format("ReLU", "opset1/../x"), "'ReLU' of"),
        ("</layers>", LAYER.format("If", "opset8"), "'If'"),
        ("</layers>", LAYER.format("RandomUniform", "opset8"), "'RandomUniform'"),
        ("</layers>", LAYER.format("ReadValue", "opset6"), "'ReadValue'"),
        ("</layers>", "</layers><rt_info/>", "<rt_info>"),
        ("</layers>", "<body/></layers>", "<body>"),
        (' offset="', ' path="/etc/passwd" offset="', "unknown kind"),
        (' offset="', ' offset="99', "its weights are"),
        (' offset="', ' offset="-1', "unknown kind"),
        (' size="', ' size="9', "its weights are"),
        ('element_type="f32" shape="', 'element_type="string" shape="', "unknown kind"),
        ('encoding="UTF-8"', 'encoding="UTF-7"', "it must be UTF-8"),
        ("</net>", "</net", "no valid XML"),
    ],
)
def test_an_ir_that_holds_more_than_a_generator_needs_is_refused(
    ir: tuple[bytes, bytes], old: str, new: str, told: str
) -> None:
    description = ir[0].decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>')
    const = description.index('type="Const"') if "data" not in new and old.startswith((" ", "element")) else 0
    place = description.index(old, const)
    hostile = description[:place] + new + description[place + len(old) :]
    with pytest.raises(BundleError, match=told):
        check_ir(hostile.encode(), ir[1])


def test_shortened_weights_are_refused(ir: tuple[bytes, bytes]) -> None:
    with pytest.raises(BundleError, match=f"its weights are {len(ir[1]) - 1} bytes"):
        check_ir(ir[0], ir[1][:-1])


def test_a_huge_description_is_refused_unread() -> None:
    with pytest.raises(BundleError, match="in more than the"):
        check_ir(b" " * (MAX_IR_BYTES + 1), b"")


@settings(max_examples=200, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), replacement=st.binary(max_size=6), removed=st.integers(0, 40))
def test_an_ir_with_other_bytes_is_read_or_refused_and_never_anything_else(
    ir: tuple[bytes, bytes], place: float, replacement: bytes, removed: int
) -> None:
    start = int(place * len(ir[0]))
    damaged = ir[0][:start] + replacement + ir[0][start + removed :]
    try:
        with backend_named("openvino").open(damaged, Options(), ir[1]):
            pass
    except (BundleError, BackendError):
        pass


def test_a_layer_inside_a_constant_does_not_hide_where_its_numbers_lie(ir: tuple[bytes, bytes]) -> None:
    description, weights = ir
    inner = b'<layer id="99" name="x" type="Add" version="opset1"/>'
    moved = re.sub(rb'(type="Const"[^>]*>)\s*<data ', rb"\1" + inner + b"<data ", description, count=1)
    assert moved != description
    with pytest.raises(BundleError, match="holds <layer> inside <layer>"):
        check_ir(moved, weights)
