"""The golden samples tell a right engine from a wrong one, and a damaged golden file is no crash."""

import dataclasses
import hashlib
import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Bundle, BundleError, open_bundle
from edgeward.runtime.bundle_files import FolderFiles
from edgeward.runtime.golden import GoldenResult, check_golden, relative_error
from edgeward.runtime.manifest import GOLDEN_NAME, FileEntry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def with_golden(bundle: Bundle, folder: Path, content: bytes) -> Bundle:
    """The bundle with another golden file, listed with its right hash."""
    entry = FileEntry(hashlib.sha256(content).hexdigest(), len(content))
    manifest = dataclasses.replace(bundle.manifest, files={**bundle.manifest.files, GOLDEN_NAME: entry})
    for name in bundle.manifest.files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if name == GOLDEN_NAME else bundle.read(name))
    return dataclasses.replace(bundle, path=folder, manifest=manifest, files=FolderFiles(folder))


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_real_bundle_is_right_on_every_engine(bundle: Bundle, backend: str, precision: str) -> None:
    result = check_golden(bundle, backend, precision)
    assert result.passed
    assert (result.backend, result.precision) == (backend, precision)


def test_the_engine_that_recorded_the_samples_repeats_them_exactly(small_bundle: Bundle) -> None:
    assert check_golden(small_bundle, "onnxruntime", "fp32").error == 0.0


def test_other_weights_with_right_hashes_fail(
    small_bundle: Bundle,
    small_graph: Callable[..., bytes],
    pack_by_hand: Callable[..., Path],
    weights: np.ndarray,
    backend: str,
    tmp_path: Path,
) -> None:
    changed = weights.copy()
    changed[0, 0] += 0.01
    graph = small_graph().replace(weights.tobytes(), changed.tobytes())
    assert graph != small_graph()
    golden = small_bundle.read(GOLDEN_NAME)
    tampered = open_bundle(pack_by_hand(tmp_path / "tampered.edgeward", graph, golden=golden))
    result = check_golden(tampered, backend, "fp32")
    assert not result.passed
    assert result.error > result.tolerance


def test_the_relative_error_is_the_worst_samples_deviation_over_the_scale_of_all() -> None:
    golden = np.full((2, 1, 4), 2.0, dtype=np.float32)
    outputs = golden.copy()
    outputs[1] += 0.5
    assert relative_error(outputs, golden) == pytest.approx(0.25)
    assert relative_error(golden, golden) == 0.0


def test_an_engine_that_gives_nan_does_not_pass() -> None:
    golden = np.ones((1, 1, 4), dtype=np.float32)
    assert not GoldenResult("fp32", "fp32", "x", relative_error(golden * np.nan, golden), 1.0).passed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip file",
        npz(int8=np.ones((1, 2, 8), np.float32)),
        npz(fp32=np.ones((1, 2, 8), np.float64)),
        npz(fp32=np.ones((1, 2, 7), np.float32)),
        npz(fp32=np.ones((0, 2, 8), np.float32)),
        npz(fp32=np.ones((33, 2, 8), np.float32)),
        npz(fp32=np.float32(1)),
        npz(fp32=np.zeros((1, 2, 8), np.float32)),
        npz(fp32=np.full((1, 2, 8), np.nan, np.float32)),
        npz(fp32=np.array(["text"])),
    ],
)
def test_a_golden_file_without_usable_samples_is_refused(small_bundle: Bundle, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BundleError, match="golden.npz"):
        check_golden(with_golden(small_bundle, tmp_path, content), "onnxruntime", "fp32")


def test_pickled_objects_are_never_loaded(small_bundle: Bundle, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    content = npz(fp32=np.array([Trap()], dtype=object))
    with pytest.raises(BundleError, match="golden.npz"):
        check_golden(with_golden(small_bundle, tmp_path, content), "onnxruntime", "fp32")
    assert not (tmp_path / "sprung").exists()


def test_a_golden_file_that_would_unpack_to_too_much_is_refused(small_bundle: Bundle, tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fp32.npy", b"\0" * (65 * 2**20))
    with pytest.raises(BundleError, match=r"golden\.npz is larger"):
        check_golden(with_golden(small_bundle, tmp_path, file.getvalue()), "onnxruntime", "fp32")


def test_a_golden_file_that_is_too_large_itself_is_refused_unread(
    small_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = small_bundle.read(GOLDEN_NAME)
    monkeypatch.setattr("edgeward.runtime.golden.MAX_GOLDEN_BYTES", len(content) - 1)
    monkeypatch.setattr("edgeward.runtime.golden.zipfile.ZipFile", None)
    with pytest.raises(BundleError, match=r"golden\.npz is larger than the \d+ bytes it may have$"):
        check_golden(with_golden(small_bundle, tmp_path, content), "onnxruntime", "fp32")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(-150, 150),
    replacement=st.binary(min_size=1, max_size=6) | st.sampled_from([b"(", b"'''", b"[" * 90, b"PK", b"\x93NUMPY"]),
)
def test_a_damaged_golden_file_is_compared_or_refused(
    small_bundle: Bundle, tmp_path: Path, place: int, replacement: bytes
) -> None:
    content = bytearray(small_bundle.read(GOLDEN_NAME))
    start = place % len(content)  # the headers stand at both ends
    content[start : start + len(replacement)] = replacement
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy may doubt the header before it refuses it
        try:
            check_golden(with_golden(small_bundle, tmp_path, bytes(content)), "onnxruntime", "fp32")
        except BundleError:
            pass
