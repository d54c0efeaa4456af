"""A manifest reads back as it was written; anything else gives a BundleError that says what is wrong."""

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from edgeward.runtime import Bundle, BundleError, RequestError
from edgeward.runtime.manifest import SCHEMA_VERSION, Variant, manifest_from_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["\ud800", "../x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
HASH = "0" * 64
IR = {
    "precision": "fp32",
    "engine": "openvino",
    "file": "CARD.md",
    "parameters": 1,
    "multiply_adds": 1,
    "tolerance": {"default": 0.1},
}
"""A variant for one engine, whose file is one of the small bundle's."""


@pytest.fixture(scope="module")
def content(small_bundle: Bundle) -> bytes:
    return small_bundle.manifest.to_bytes()


def changed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(content)
    change(value)
    return json.dumps(value).encode()


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values inside a JSON value."""
    found: list[tuple[str | int, ...]] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        found += [(*path, key), *places(item, (*path, key))]
    return found


def test_a_manifest_reads_back_equal_and_writes_the_same_bytes(small_bundle: Bundle, content: bytes) -> None:
    manifest = manifest_from_bytes(content)
    assert manifest == small_bundle.manifest
    assert manifest.to_bytes() == content


@pytest.mark.parametrize("text", ["\x1b[31mred", "two\nlines", "\u202eback", "bell\x07"])
def test_names_that_cannot_be_shown_are_refused(content: bytes, text: str) -> None:
    for change in (
        lambda v: v.update(name=text),
        lambda v: v.update(version=text),
        lambda v: v["variants"][0].update(precision=text),
    ):
        with pytest.raises(BundleError, match="holds characters that cannot be shown"):
            manifest_from_bytes(changed(content, change))


def test_a_newer_schema_is_refused_with_the_way_to_update(content: bytes) -> None:
    newer = changed(content, lambda v: v.update(schema_version=SCHEMA_VERSION + 1, something_new=True))
    with pytest.raises(BundleError, match=rf"schema version {SCHEMA_VERSION + 1}.*pip install --upgrade edgeward"):
        manifest_from_bytes(newer)


@pytest.mark.parametrize(
    "path",
    [
        *["../x", "/abs", "a\\b", "", "a/../b", ".hidden", "a//b", "a/", "C:x", "x\x00", "a b", "-rf", "x" * 201],
        *["a.", "a./b", "con", "variants/AUX.onnx", "lpt1.txt"],  # other files, or none, on Windows
    ],
)
def test_a_path_that_could_lead_out_of_the_bundle_is_refused(content: bytes, path: str) -> None:
    entry = {"sha256": HASH, "bytes": 1}
    with pytest.raises(BundleError, match="not a plain path"):
        manifest_from_bytes(changed(content, lambda v: v["files"].update({path: entry})))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v.pop("licence"), "no field 'licence'"),
        (lambda v: v.update(synthetic=True), "does not know: 'synthetic'"),
        (lambda v: v.update(schema_version=0), "'schema_version' must be"),
        (lambda v: v.update(schema_version="1"), "'schema_version' must be"),
        (lambda v: v.update(synthetic_data_only=False), "'synthetic_data_only' must be true"),
        (lambda v: v.update(synthetic_data_only=1), "'synthetic_data_only' must be true"),
        (lambda v: v["noise"].update(algorithm="mt19937"), "'mt19937'"),
        (lambda v: v["noise"].update(shape=[]), "noise must have 1 to"),
        (lambda v: v["noise"].update(shape=[0]), "'shape' must be"),
        (lambda v: v["noise"].update(shape=[2**13, 2**13]), "noise must have 1 to"),
        (lambda v: v["noise"].update(seed=1), "does not know: 'seed'"),
        (lambda v: v.update(variants=[]), "variants must be at least one"),
        (lambda v: v["variants"].append(v["variants"][0]), "each of another precision or engine"),
        (lambda v: v["variants"][0]["tolerance"].pop("default"), "tolerance needs a 'default'"),
        (lambda v: v["variants"][0]["tolerance"].update(default=0), "tolerance must be positive"),
        (lambda v: v["variants"][0]["tolerance"].update(arm="1"), "'arm' must be a number"),
        (lambda v: v["variants"][0].update(file="variants/other.onnx"), "used but not listed"),
        (lambda v: v["variants"][0].update(provider="CUDA"), "does not know: 'provider'"),
        (lambda v: v.update(default_precision="int4"), "'int4' is no variant"),
        (lambda v: v.update(default_precision_on={"openvino": "int4"}), "'int4' is no variant for openvino"),
        (lambda v: v.update(default_precision_on={"coreml": "fp32"}), "no variant for coreml"),
        (lambda v: v.update(default_precision_on=["fp32"]), "must be a JSON object"),
        (lambda v: v["variants"][0].pop("engine"), "no field 'engine'"),
        (lambda v: v["variants"][0].update(engine="coreml"), "'coreml' is none of any, onnxruntime"),
        (lambda v: v["variants"][0].update(engine="openvino"), "'fp32' is no variant for onnxruntime"),
        (lambda v: v["variants"][0].update(weights="variants/x.bin"), "only a variant for openvino may"),
        (lambda v: v["variants"][0].update(weights=None), "'weights' must be a text"),
        (lambda v: v["variants"].append(IR | {"weights": "variants/x.bin"}), "'variants/x.bin' is used but not listed"),
        (
            lambda v: (
                v["variants"].append(IR | {"precision": "fp32-openvino", "engine": "any"}) or v["variants"].append(IR)
            ),
            "each of another precision or engine",
        ),
        (lambda v: v["files"].pop("golden.npz"), "'golden.npz' is used but not listed"),
        (lambda v: v["files"]["CARD.md"].update(sha256="f" * 63), "'sha256' must be 64"),
        (lambda v: v["files"]["CARD.md"].update(sha256="F" * 64), "'sha256' must be 64"),
        (lambda v: v["files"]["CARD.md"].update(bytes=-1), "'bytes' must be"),
        (lambda v: v["files"]["CARD.md"].update(bytes=2**31 + 1), "'bytes' must be"),
        (lambda v: v["files"].update({"manifest.json": {"sha256": HASH, "bytes": 1}}), "own hash"),
        (lambda v: v["files"].update({"signature": {"sha256": HASH, "bytes": 1}}), "cannot list signature"),
        (lambda v: v["files"].update({"card.MD": {"sha256": HASH, "bytes": 1}}), "would be the same file"),
        (lambda v: v["files"].update({"SIGNATURE": {"sha256": HASH, "bytes": 1}}), "would be the same file"),
        (lambda v: v["files"].update({"Card.md/x": {"sha256": HASH, "bytes": 1}}), "is a file, and the folder of"),
        (lambda v: v["files"].update({"signature/x": {"sha256": HASH, "bytes": 1}}), "is a file, and the folder of"),
        (lambda v: v.update(golden_seed=2**64), "'golden_seed' must be"),
        (lambda v: v.update(lineage=[]), "'lineage' must be a JSON object"),
        (lambda v: v.update(intended_use="tests"), "'intended_use' must be a list"),
    ],
)
def test_nonsense_is_refused_by_name(content: bytes, change: Callable[[dict[str, Any]], object], told: str) -> None:
    with pytest.raises(BundleError, match=told):
        manifest_from_bytes(changed(content, change))


FAST = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(data=st.data())
def test_a_mutated_manifest_is_read_or_refused_and_never_anything_else(content: bytes, data: st.DataObject) -> None:
    check_mutation(content, data)


@pytest.mark.slow
@settings(FAST, max_examples=5000)
@given(data=st.data())
def test_many_mutated_manifests_are_read_or_refused(content: bytes, data: st.DataObject) -> None:
    check_mutation(content, data)


def check_mutation(content: bytes, data: st.DataObject) -> None:
    value = json.loads(content)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(value)))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        action = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "replace":
            holder[path[-1]] = data.draw(JSON)
        elif action == "remove":
            del holder[path[-1]]
        elif isinstance(holder, dict):
            holder[data.draw(st.text(max_size=8))] = copy.deepcopy(holder[path[-1]])
        else:
            holder.append(data.draw(JSON))
    try:
        manifest = manifest_from_bytes(json.dumps(value).encode())
    except BundleError:
        return
    assert manifest_from_bytes(manifest.to_bytes()) == manifest


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), replacement=st.binary(max_size=4), removed=st.integers(0, 40))
def test_a_manifest_with_other_bytes_is_read_or_refused(
    content: bytes, place: float, replacement: bytes, removed: int
) -> None:
    start = int(place * len(content))
    try:
        manifest_from_bytes(content[:start] + replacement + content[start + removed :])
    except BundleError:
        pass


def test_an_unknown_variant_is_refused_with_those_there_are(small_bundle: Bundle) -> None:
    assert small_bundle.manifest.variant(None).precision == "fp32"
    with pytest.raises(RequestError, match="no 'int4' variant for onnxruntime; it has fp32"):
        small_bundle.manifest.variant("int4")


def test_a_tolerance_holds_for_its_class_of_cpu_and_the_default_for_the_rest(small_bundle: Bundle) -> None:
    variant: Variant = dataclasses.replace(
        small_bundle.manifest.variants[0], tolerance={"default": 0.1, "aarch64-dotprod": 0.2}
    )
    assert variant.tolerance_for("aarch64-dotprod") == 0.2
    assert variant.tolerance_for("x86_64-avx2") == 0.1


def older(value: dict[str, Any], version: int) -> None:
    """Take out what came with version 3."""
    value["schema_version"] = version
    del value["default_precision_on"]
    for variant in value["variants"]:
        del variant["engine"]


@pytest.mark.parametrize("version", [1, 2])
def test_a_manifest_from_before_variants_for_engines_reads_as_one_whose_variants_are_for_all(
    content: bytes, version: int, small_bundle: Bundle
) -> None:
    assert manifest_from_bytes(changed(content, lambda v: older(v, version))) == small_bundle.manifest


@pytest.mark.parametrize("field", ["engine", "weights"])
def test_an_older_manifest_with_a_newer_field_is_refused(content: bytes, field: str) -> None:
    def change(value: dict[str, Any]) -> None:
        older(value, 2)
        value["variants"][0][field] = "any"

    with pytest.raises(BundleError, match=f"does not know: '{field}'"):
        manifest_from_bytes(changed(content, change))


def test_an_engine_is_given_its_own_variant_and_else_the_general_one(content: bytes) -> None:
    def change(value: dict[str, Any]) -> None:
        value["variants"].append(IR)
        value["variants"].append(IR | {"precision": "int8", "engine": "tensorrt"})
        value["default_precision_on"] = {"tensorrt": "int8"}

    manifest = manifest_from_bytes(changed(content, change))
    assert manifest_from_bytes(manifest.to_bytes()) == manifest
    assert [variant.name for variant in manifest.variants] == ["fp32", "fp32-openvino", "int8-tensorrt"]
    assert manifest.variant("fp32").name == manifest.variant(None).name == "fp32"
    assert manifest.variant("fp32", "openvino").name == manifest.variant(None, "openvino").name == "fp32-openvino"
    assert manifest.variant("fp32", "tensorrt").name == "fp32"
    assert manifest.variant(None, "tensorrt").name == "int8-tensorrt"
    with pytest.raises(RequestError, match="no 'int8' variant for openvino; it has fp32"):
        manifest.variant("int8", "openvino")


def test_an_engine_that_has_no_variant_of_the_general_default_takes_the_first_there_is(content: bytes) -> None:
    def change(value: dict[str, Any]) -> None:
        value["variants"].append(IR | {"precision": "int8", "engine": "onnxruntime"})
        value["default_precision"] = "int8"

    manifest = manifest_from_bytes(changed(content, change))
    assert manifest.variant(None).name == "int8-onnxruntime"
    assert manifest.variant(None, "openvino").name == "fp32"
