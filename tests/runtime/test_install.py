"""The store holds whole, checked bundles, whatever happens to the processes that fill it."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeward.runtime import BackendError, Bundle, BundleError, GateError, OutputError, RequestError, load, open_bundle
from edgeward.runtime.backends import BACKENDS
from edgeward.runtime.bundle import read_bundle
from edgeward.runtime.golden import GoldenResult, check_golden
from edgeward.runtime.install import install, put_signature, remove
from edgeward.runtime.installed import Installed, installed, locate, place_of, store_folder
from edgeward.runtime.lock import locked
from edgeward.runtime.rewrite import content_of, names_of, write_file
from edgeward.runtime.signature import sign
from hypothesis import given
from hypothesis import strategies as st

INSTALL = """
import sys
from edgeward.runtime import open_bundle
from edgeward.runtime.install import install
print(install(open_bundle(sys.argv[1])).was_there)
"""
DIE_HALF_WRITTEN = """
import os, signal, sys
from edgeward.runtime import archive, install, open_bundle
real = archive.write_archive
def half(file, names, read):
    file.write(b"PK half of it")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
install.write_archive = half
install.install(open_bundle(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def another(
    small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> Callable[..., Bundle]:
    """The small bundle with other fields in its manifest."""

    def make(**changes: object) -> Bundle:
        return open_bundle(
            pack_by_hand(tmp_path / f"{len(list(tmp_path.iterdir()))}.edgeward", small_graph(), **changes)
        )

    return make


def in_store() -> list[str]:
    return sorted(file.name for file in store_folder().iterdir() if file.name != ".lock")


def test_an_installed_bundle_is_named_instead_of_its_path(small_bundle: Bundle) -> None:
    done = install(small_bundle)
    assert (done.place.name, done.place.version, done.was_there) == ("waves", "0.0.1", False)
    assert all(result.passed for result in done.golden)
    assert in_store() == ["waves@0.0.1.edgeward"]
    for name in ("waves", "waves@0.0.1"):
        assert open_bundle(name).digest == small_bundle.digest
    with load("waves") as generator:
        assert generator.generate(2, seed=1).samples.shape == (2, 2, 8)


def test_installing_the_same_bundle_again_changes_nothing(small_bundle: Bundle) -> None:
    place = install(small_bundle).place.path
    before = place.stat()
    again = install(open_bundle(place))
    assert again.was_there
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_name_means_the_newest_version_and_each_can_be_asked_for(another: Callable[..., Bundle]) -> None:
    for version in ("0.9.0", "0.10.0-rc1", "0.10.0"):
        install(another(version=version))
    assert [one.version for one in installed()] == ["0.9.0", "0.10.0-rc1", "0.10.0"]
    assert open_bundle("waves").manifest.version == "0.10.0"
    assert open_bundle("waves@0.9.0").manifest.version == "0.9.0"
    with pytest.raises(RequestError, match=r"several are installed, name one: waves@0\.9\.0, waves@0\.10\.0-rc1"):
        remove("waves")
    assert remove("waves@0.10.0").version == "0.10.0"
    assert open_bundle("waves").manifest.version == "0.10.0-rc1"


def test_what_lies_at_the_path_comes_first_and_that_is_told(
    small_bundle: Bundle,
    another: Callable[..., Bundle],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    install(small_bundle)
    here = another(version="7")
    here.path.rename(tmp_path / "waves")
    monkeypatch.chdir(tmp_path)
    assert open_bundle("waves").manifest.version == "7"
    assert "waves lies here and is used; for the installed one, write waves@0.0.1" in caplog.text


def test_a_store_that_cannot_be_read_is_no_matter_to_what_lies_at_the_path(
    small_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").symlink_to(small_bundle.path)
    store_folder().parent.mkdir(parents=True)
    store_folder().touch()  # a file where the folder should be
    monkeypatch.chdir(tmp_path)
    assert open_bundle("here").digest == small_bundle.digest
    with pytest.raises(BundleError, match="cannot be read: Not a directory"):
        open_bundle("nowhere")


def test_a_name_that_is_nowhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle of this name is installed; see: edgeward bundle list"):
        open_bundle("waves")
    with pytest.raises(BundleError, match="does not exist; a bundle is"):
        open_bundle(tmp_path / "waves")
    with pytest.raises(RequestError, match="no bundle 'waves' is installed"):
        remove("waves")


@pytest.mark.parametrize("name", ["../waves", "a/b", "", ".hidden", "a b", "a@b", "x" * 101, "-rf"])
def test_a_bundle_whose_name_is_no_file_name_is_not_installed(another: Callable[..., Bundle], name: str) -> None:
    for changes in ({"name": name}, {"version": name}):
        with pytest.raises(BundleError, match="cannot be installed: both must be"):
            install(another(**changes))
    assert installed() == []


def test_another_bundle_of_the_same_version_is_replaced_only_if_told(
    small_bundle: Bundle, another: Callable[..., Bundle]
) -> None:
    install(small_bundle)
    other = another(licence="another")
    with pytest.raises(OutputError, match=r"waves@0\.0\.1\.edgeward is there already.*--overwrite"):
        install(other)
    assert open_bundle("waves").digest == small_bundle.digest
    assert not install(other, overwrite=True).was_there
    assert open_bundle("waves").digest == other.digest
    assert in_store() == ["waves@0.0.1.edgeward"]


def test_a_bundle_that_computes_something_else_here_is_not_installed(
    small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    golden = np.ones((6, 2, 8), np.float32)
    wrong = open_bundle(pack_by_hand(tmp_path / "wrong.edgeward", small_graph(), golden=golden))
    with pytest.raises(
        GateError, match="computes what waves was recorded to give, so it is not installed: onnxruntime fp32: error"
    ):
        install(wrong)
    assert installed() == []


def refusing(*engines: str) -> Callable[..., object]:
    def check(bundle: Bundle, backend: str, precision: str, *, threads: int = 1) -> GoldenResult:
        if backend in engines:
            raise BackendError(f"{backend} refuses the graph")
        return check_golden(bundle, backend, precision, threads=threads)

    return check


def test_an_engine_that_refuses_a_variant_is_told_and_prevents_installing_only_if_no_other_takes_it(
    small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.runtime.golden.check_golden", refusing(*BACKENDS))
    with pytest.raises(
        BackendError, match="waves does not run here and is not installed: onnxruntime fp32: onnxruntime refuses"
    ):
        install(small_bundle)
    assert installed() == []
    if BACKENDS["openvino"].probe().available:
        for engine in ("onnxruntime", "openvino"):
            monkeypatch.setattr("edgeward.runtime.golden.check_golden", refusing(engine))
            refusals = [result.refusal for result in install(small_bundle).golden if result.refusal]
            assert refusals == [f"{engine} refuses the graph"]


def test_a_default_that_is_wrong_here_prevents_nothing_where_another_variant_is_right(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an int8 that saturates: `auto` does not take it."""
    usual = bundle.manifest.variant(None).precision

    def check(bundle: Bundle, backend: str, precision: str, *, threads: int = 1) -> GoldenResult:
        result = check_golden(bundle, backend, precision, threads=threads)
        return dataclasses.replace(result, error=9.0) if precision == usual else result

    monkeypatch.setattr("edgeward.runtime.golden.check_golden", check)
    assert {result.precision for result in install(bundle).golden if not result.passed} == {usual}
    assert [one.name for one in installed()] == [bundle.manifest.name]


def test_the_same_bundle_takes_on_a_signature_and_loses_none(small_bundle: Bundle) -> None:
    key = Ed25519PrivateKey.generate()
    signature = sign(small_bundle.manifest_bytes, key).to_bytes()
    signed = dataclasses.replace(small_bundle, signature=signature)
    place = install(small_bundle).place
    assert not install(signed).was_there
    assert open_bundle("waves").signature == signature
    assert install(signed).was_there
    assert install(small_bundle).was_there
    assert open_bundle("waves").signature == signature
    other = sign(small_bundle.manifest_bytes, Ed25519PrivateKey.generate()).to_bytes()
    assert not install(dataclasses.replace(small_bundle, signature=other)).was_there
    assert read_bundle(place.path).signature == other


def test_a_bundle_for_a_newer_runtime_is_not_taken_for_a_damaged_one(
    small_bundle: Bundle, another: Callable[..., Bundle]
) -> None:
    place = install(small_bundle).place
    newer = dataclasses.replace(small_bundle, manifest_bytes=b'{"schema_version": 99}')
    write_file(place.path, names_of(newer), lambda name: content_of(newer, name))
    before = place.path.read_bytes()
    with pytest.raises(OutputError, match=r"for a newer runtime; take it out with: edgeward bundle remove waves@0"):
        install(another(licence="another"), overwrite=True)
    assert place.path.read_bytes() == before
    remove("waves@0.0.1")
    install(small_bundle)


def test_a_damaged_installed_bundle_is_refused_and_healed_by_installing_it_again(small_bundle: Bundle) -> None:
    place = install(small_bundle).place.path
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(BundleError):
        open_bundle("waves")
    install(small_bundle)
    assert open_bundle("waves").digest == small_bundle.digest


def test_a_bundle_that_changes_while_it_is_installed_leaves_the_old_one(
    small_bundle: Bundle, another: Callable[..., Bundle]
) -> None:
    install(small_bundle)
    other = another(licence="another")
    (other.path / "CARD.md").write_bytes(b"# waveS\n")
    with pytest.raises(BundleError, match=r"CARD\.md has been changed"):
        install(other, overwrite=True)
    assert open_bundle("waves").digest == small_bundle.digest
    assert in_store() == ["waves@0.0.1.edgeward"]


def test_two_processes_that_install_the_same_bundle_at_once_leave_one_whole_bundle(small_bundle: Bundle) -> None:
    command = [sys.executable, "-c", INSTALL, str(small_bundle.path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert sorted(answers) == ["False", "True", "True", "True"]
    assert in_store() == ["waves@0.0.1.edgeward"]
    assert open_bundle("waves").digest == small_bundle.digest


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGKILL")
def test_a_process_killed_in_the_middle_leaves_nothing_harmful_and_is_cleaned_up_after(small_bundle: Bundle) -> None:
    dead = subprocess.run([sys.executable, "-c", DIE_HALF_WRITTEN, str(small_bundle.path)], check=False, timeout=120)
    assert dead.returncode == -signal.SIGKILL
    (left,) = in_store()
    assert left.endswith(".partial")
    assert installed() == []
    with pytest.raises(BundleError, match="no bundle of this name"):
        open_bundle("waves")
    install(small_bundle)
    assert in_store() == ["waves@0.0.1.edgeward"]


@pytest.mark.skipif(os.name != "posix", reason="the lock is another one on Windows")
def test_whoever_changes_the_store_waits_for_whoever_does(small_bundle: Bundle) -> None:
    import fcntl

    store_folder().mkdir(parents=True)
    with (store_folder() / ".lock").open("a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (store_folder() / ".waves@0.0.1.edgeward.0.partial").touch()  # somebody is at it
        process = subprocess.Popen([sys.executable, "-c", INSTALL, str(small_bundle.path)], stdout=subprocess.PIPE)
        time.sleep(2)
        assert process.poll() is None
        assert in_store() == [".waves@0.0.1.edgeward.0.partial"]
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert in_store() == ["waves@0.0.1.edgeward"]


def test_whoever_signs_an_installed_bundle_waits_for_whoever_changes_the_store(
    small_bundle: Bundle, tmp_path: Path
) -> None:
    place = install(small_bundle).place.path
    (tmp_path / "link.edgeward").symlink_to(place)
    signature = sign(small_bundle.manifest_bytes, Ed25519PrivateKey.generate()).to_bytes()
    for named in (place, tmp_path / "link.edgeward"):
        signing = threading.Thread(target=put_signature, args=(read_bundle(named), signature))
        with locked(store_folder() / ".lock"):
            before = place.stat().st_ino
            signing.start()
            signing.join(0.3)
            assert signing.is_alive()
            assert place.stat().st_ino == before
        signing.join(30)
        assert place.stat().st_ino != before
        assert read_bundle(place).signature == signature


def test_whoever_signs_a_bundle_elsewhere_waits_for_nobody(small_bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "packed.edgeward"
    write_file(path, names_of(small_bundle), lambda name: content_of(small_bundle, name))
    signature = sign(small_bundle.manifest_bytes, Ed25519PrivateKey.generate()).to_bytes()
    store_folder().mkdir(parents=True)
    with locked(store_folder() / ".lock"):
        put_signature(read_bundle(path), signature)
    assert read_bundle(path).signature == signature


def test_a_bundle_that_became_another_while_it_was_signed_is_left_as_it_is(
    small_bundle: Bundle, another: Callable[..., Bundle]
) -> None:
    place = install(small_bundle).place.path
    seen = read_bundle(place)
    signature = sign(seen.manifest_bytes, Ed25519PrivateKey.generate()).to_bytes()
    other = install(another(licence="another"), overwrite=True)
    with pytest.raises(BundleError, match="was changed while it was being signed"):
        put_signature(seen, signature)
    assert read_bundle(place).signature is None
    remove(other.place.name)
    with pytest.raises(BundleError, match="does not exist"):
        put_signature(seen, signature)
    assert in_store() == []


def test_a_full_disk_leaves_the_old_bundle_and_nothing_else(
    small_bundle: Bundle, another: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(small_bundle)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    other = another(licence="another")
    with monkeypatch.context() as patch:
        patch.setattr("edgeward.runtime.atomic.os.fsync", full)
        with pytest.raises(OutputError, match="could not be written: No space left on device"):
            install(other, overwrite=True)
    assert open_bundle("waves").digest == small_bundle.digest
    assert in_store() == ["waves@0.0.1.edgeward"]


def test_a_store_without_room_is_told_before_anything_is_written(
    small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.runtime.atomic.shutil.disk_usage", lambda _: Usage(1, 1, 0))
    with pytest.raises(OutputError, match="needs about"):
        install(small_bundle)
    assert in_store() == []


@dataclasses.dataclass
class Usage:
    total: int
    used: int
    free: int


def test_a_store_that_cannot_be_written_is_told(
    small_bundle: Bundle, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot be changed: .* or set EDGEWARD_HOME to another folder"):
        install(small_bundle)
    home.unlink()
    install(small_bundle)

    def read_only(self: Path, *arguments: object, **options: object) -> None:
        raise OSError(30, "Read-only file system", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", read_only)
        with pytest.raises(OutputError, match="cannot be changed: Read-only file system"):
            remove("waves")
    assert open_bundle("waves").digest == small_bundle.digest


def test_other_files_in_the_store_are_no_bundles(small_bundle: Bundle) -> None:
    install(small_bundle)
    (store_folder() / "readme.txt").touch()
    (store_folder() / "a b@1.edgeward").touch()
    assert [one.path.name for one in installed()] == ["waves@0.0.1.edgeward"]


WORDS = st.text(max_size=12) | st.text("ab.1/@\\- \n", max_size=6)


@given(name=WORDS, version=WORDS)
def test_no_name_leads_out_of_the_store_or_is_taken_for_another(name: str, version: str) -> None:
    try:
        place = place_of(name, version)
    except BundleError:
        return
    assert place.path.parent == store_folder()
    assert place.path.name.isascii()
    assert place.path.name.count("@") == 1


@given(text=st.text(max_size=30))
def test_any_name_is_located_or_refused(text: str) -> None:
    try:
        locate(text)
    except (BundleError, OSError, ValueError):
        pass


def test_versions_are_ordered_number_by_number() -> None:
    versions = ["nightly", "0.9", "0.10.0-a", "0.10.0-rc9", "0.10.0-rc10", "0.10.0", "1.0+a", "1.0", "2"]
    ordered = sorted((Installed("x", version, Path()) for version in reversed(versions)), key=lambda one: one.order)
    assert [one.version for one in ordered] == versions
