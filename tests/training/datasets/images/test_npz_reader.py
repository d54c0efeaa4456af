"""An npz file is read as numpy reads it, and no hostile one costs more than its refusal."""

import io
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.images.npz_reader import open_npz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

MIB = 2**20


def npy(array: npt.NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def header(shape: str, descr: str = "'|u1'", fortran: str = "False") -> bytes:
    """An npy file's beginning, with whatever it claims."""
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def read(path: Path, member: str = "a") -> npt.NDArray[np.generic]:
    with open_npz(path) as npz:
        return npz.array(member)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    array=arrays.arrays(
        st.sampled_from([np.dtype(t) for t in ("u1", "<i8", ">i4", "<f4", "?", "<U5")]),
        arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=6),
    ),
    packed=st.booleans(),
)
def test_arrays_come_back_as_numpy_saved_them(tmp_path: Path, array: npt.NDArray[np.generic], packed: bool) -> None:
    path = tmp_path / "x.npz"
    save: Callable[..., None] = np.savez_compressed if packed else np.savez
    save(path, a=array, b=np.arange(3))
    with np.load(path, allow_pickle=False) as oracle:
        expected = oracle["a"]
    found = read(path)
    assert (found.dtype.kind, found.dtype.itemsize) == (expected.dtype.kind, expected.dtype.itemsize)
    assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")


def test_a_large_array_comes_in_parts_that_join_to_it(tmp_path: Path) -> None:
    whole = np.random.default_rng(1).integers(0, 256, (40, 500, 500), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", a=whole)
    with open_npz(tmp_path / "x.npz") as npz:
        parts = list(npz.parts("a"))
    assert len(parts) > 1
    assert max(part.nbytes for part in parts) <= 4 * MIB
    assert np.array_equal(np.concatenate(parts), whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_as_it_was(tmp_path: Path, data: st.DataObject) -> None:
    """Checksums guard the content; nothing but DataError escapes, whichever bytes are other ones."""
    whole = np.arange(600, dtype=np.uint8).reshape(20, 30)
    np.savez_compressed(tmp_path / "good.npz", a=whole)
    content = bytearray((tmp_path / "good.npz").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(content), data.draw(st.integers(0, len(content)))]))
    (tmp_path / "bad.npz").write_bytes(content[:cut])
    try:
        found = read(tmp_path / "bad.npz")
    except DataError as error:
        assert "bad.npz" in str(error)
    else:
        assert np.array_equal(found, whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(text=st.binary(max_size=200))
def test_any_header_is_refused_or_fits_its_content(tmp_path: Path, text: bytes) -> None:
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\x00" * 64
    with open_npz(archive(tmp_path / "x.npz", {"a": content})) as npz:
        try:
            found = npz.header("a")
        except DataError:
            return
    assert found.size == 64


class Trap:
    """Unpickling it would leave a file behind."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return (open, ("trap-sprung", "w"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header("(100000000000,)"), r"claims shape \(100000000000,\) of uint8, which is not what 0 bytes hold"),
        (header("(10**9,)"), "damaged"),
        (header("(2, -3)") + bytes(6), "claims shape"),
        (header("()") + bytes(1), "claims shape"),
        (header("(2, 3)") + bytes(7), "not what 7 bytes hold"),
        (header("(2, 3)", fortran="True") + bytes(6), "column by column.*ascontiguousarray"),
        (header("(1,)", descr="'|O'") + pickle.dumps([Trap()]), "type object, no plain array"),
        (header("(1,)", descr="[('x', '<i4')]") + bytes(4), "no plain array"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1), "no plain array"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 8000) + b"(" * 8000, "damaged"),
        (b"not an array at all", "damaged"),
        (b"", "damaged"),
    ],
)
def test_false_headers_are_refused_by_name(
    tmp_path: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=said) as error:
        read(archive(tmp_path / "x.npz", {"a": content}))
    assert "x.npz: a" in str(error.value)
    assert not (tmp_path / "trap-sprung").exists()


def test_a_size_that_its_packed_bytes_cannot_hold_is_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", {"a": header(f"({50 * MIB},)")})
    content = bytearray(path.read_bytes())
    entry = content.rfind(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 24, 50 * MIB + 128)  # the unpacked size, as the directory has it
    path.write_bytes(content)
    with pytest.raises(DataError, match="claims 52428928 bytes, more than its"):
        read(path)


def test_a_huge_directory_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", {f"member-{number}": b"" for number in range(2000)})
    with pytest.raises(DataError, match="lists far more than the arrays"):
        read(path)


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("a.npy", npy(np.zeros(3)))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", npy(np.ones(3)))
    with pytest.raises(DataError, match="two arrays of the same name"):
        read(tmp_path / "x.npz")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_numpy_does_not_write_are_refused(tmp_path: Path, compression: int) -> None:
    with pytest.raises(DataError, match="packed in a way numpy does not"):
        read(archive(tmp_path / "x.npz", {"a": npy(np.zeros(3))}, compression))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no npz file"), (b"<html>", "no npz file"), (b"PK\x03\x04" + bytes(500), "half a download")],
)
def test_what_is_no_archive_is_told_from_half_of_one(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "x.npz")


def test_an_absent_array_is_named_beside_those_there_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(2), b=np.zeros(2))
    with pytest.raises(DataError, match="x.npz holds no array c; it holds a, b"):
        read(tmp_path / "x.npz", "c")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_a_bomb_is_refused_within_little_memory(tmp_path: Path) -> None:
    """One gigabyte of zeros, honestly packed to one megabyte, whose header claims a hundred."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.npy", "w", force_zip64=True) as member:
        member.write(header("(100000000000,)"))
        for _ in range(1024):
            member.write(bytes(MIB))
    program = (
        "import re, sys, numpy\n"
        "from pathlib import Path\n"
        "from edgeward.training.datasets.images.npz_reader import open_npz\n"
        "from edgeward.runtime.errors import DataError\n"
        "try:\n"
        "    with open_npz(Path(sys.argv[1])) as npz: npz.array('a')\n"
        "except DataError: print(re.search(r'VmHWM:\\s*(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    result = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 150 * 1024
