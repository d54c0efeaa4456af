"""`auto` takes what is right first and fast second, remembers it, and says why; what is named is used, or fails."""

import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeward.devices import this_host
from edgeward.runtime import (
    BackendError,
    Bundle,
    BundleError,
    GateError,
    RequestError,
    choosing,
    load,
    open_bundle,
)
from edgeward.runtime.backends import BACKENDS, Options
from edgeward.runtime.choice import Candidate, Trial
from edgeward.runtime.choice_file import Question
from edgeward.runtime.choosing import CPU_ENGINES, _best
from edgeward.runtime.golden import GoldenResult
from edgeward.runtime.manifest import GOLDEN_NAME, FileEntry
from edgeward.runtime.provenance import edgeward_version
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .engines import FakeEngine, FakeSession

SLOW_S = 0.003
LEAST_SHARE = choosing._LEAST_SHARE
WRONG = 1.001
"""Off by ten times what the small bundle allows."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGEWARD_CACHE", str(folder))
    return folder


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[FakeEngine, FakeEngine]]:
    """Put two engines in the place of onnxruntime and OpenVINO; each may be told apart by what it changes."""

    def place(reference: dict[str, Any], other: dict[str, Any]) -> tuple[FakeEngine, FakeEngine]:
        one, two = FakeEngine("onnxruntime", **reference), FakeEngine("openvino", **other)
        monkeypatch.setitem(BACKENDS, "onnxruntime", one)
        monkeypatch.setitem(BACKENDS, "openvino", two)
        return one, two

    return place


def times(factor: float) -> dict[str, Any]:
    return {"change": lambda samples, inputs: samples * factor}


def chosen(bundle: Bundle, **options: Any) -> dict[str, Any]:
    with load(bundle, **options) as generator:
        choice: dict[str, Any] = generator.describe()["choice"]
        assert generator.source.backend.startswith(choice["backend"])
        return choice


def trial_of(choice: dict[str, Any], engine: str) -> dict[str, Any]:
    (trial,) = (trial for trial in choice["trials"] if trial["backend"] == engine)
    return dict(trial)


# Right first, fast second


@pytest.mark.parametrize("fast", ["onnxruntime", "openvino"])
def test_of_right_engines_the_fastest_is_taken(small_bundle: Bundle, engines: Any, fast: str) -> None:
    engines(*({} if engine == fast else {"call_s": SLOW_S} for engine in CPU_ENGINES))
    choice = chosen(small_bundle)
    assert (choice["backend"], choice["variant"], choice["how"]) == (fast, "fp32", "measured")
    assert all(trial["passed"] for trial in choice["trials"])
    (slow,) = set(CPU_ENGINES) - {fast}
    assert trial_of(choice, slow)["us"] >= 1e6 * SLOW_S > trial_of(choice, fast)["us"] > 0


@pytest.mark.parametrize("factor", [WRONG, np.nan, np.inf, 0.0])
def test_the_fastest_is_not_taken_where_it_is_slightly_wrong(small_bundle: Bundle, engines: Any, factor: float) -> None:
    engines({"call_s": SLOW_S}, times(factor))
    choice = chosen(small_bundle)
    assert choice["backend"] == "onnxruntime"
    wrong = trial_of(choice, "openvino")
    assert not wrong["passed"]
    assert wrong["us"] is None  # not even timed
    json.dumps(choice, allow_nan=False)


@pytest.mark.parametrize("wrong_for", [lambda n: n == 1, lambda n: n > 1], ids=["one", "many"])
def test_an_engine_that_is_wrong_for_one_sample_or_for_many_only_is_found(
    small_bundle: Bundle, engines: Any, wrong_for: Callable[[int], bool]
) -> None:
    engines({"call_s": SLOW_S}, {"change": lambda y, x: y * WRONG if wrong_for(len(y)) else y})
    choice = chosen(small_bundle)
    assert choice["backend"] == "onnxruntime"
    assert not trial_of(choice, "openvino")["passed"]


def test_where_the_reference_is_wrong_the_other_is_taken(small_bundle: Bundle, engines: Any) -> None:
    engines(times(WRONG), {"call_s": SLOW_S})
    assert chosen(small_bundle)["backend"] == "openvino"


def test_where_all_are_wrong_nothing_runs_and_each_is_named(small_bundle: Bundle, engines: Any) -> None:
    engines(times(WRONG), times(2.0))
    for _ in range(2):  # nothing of it is remembered
        with pytest.raises(
            GateError, match=r"onnxruntime fp32: error .* allowed 1\.0e-04; openvino fp32: error .*doctor"
        ):
            load(small_bundle)


def test_an_engine_that_refuses_the_graph_is_left_out_with_its_reason(small_bundle: Bundle, engines: Any) -> None:
    engines({}, {"refusal": "no such operator"})
    choice = chosen(small_bundle)
    assert choice["backend"] == "onnxruntime"
    assert trial_of(choice, "openvino")["refusal"] == "no such operator"


def test_where_all_refuse_the_first_says_why(small_bundle: Bundle, engines: Any) -> None:
    engines({"refusal": "out of memory"}, {"refusal": "no such operator"})
    with pytest.raises(BackendError, match="out of memory"):
        load(small_bundle)


def test_a_graph_that_breaks_the_contract_is_refused_as_such(
    small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    path = pack_by_hand(tmp_path / "x.edgeward", small_graph(output="y"), golden=np.ones((1, 2, 8), np.float32))
    with pytest.raises(BundleError, match="does not keep the contract"):
        load(path)


def test_an_absent_engine_is_told_with_how_to_install_it(small_bundle: Bundle, engines: Any) -> None:
    engines({}, {"absent": "not installed; install it with: pip install x"})
    choice = chosen(small_bundle)
    assert choice["absent"] == {"openvino": "not installed; install it with: pip install x"}
    assert [trial["backend"] for trial in choice["trials"]] == ["onnxruntime"]


def test_an_engine_that_the_bundle_leaves_out_is_not_looked_at(small_bundle: Bundle, tmp_path: Path) -> None:
    (variant,) = small_bundle.manifest.variants
    content = np.load(io.BytesIO(small_bundle.read(GOLDEN_NAME)))
    golden = io.BytesIO()
    np.savez(golden, **{"fp32-onnxruntime": content["fp32"]})
    folder = Path(shutil.copytree(small_bundle.path, tmp_path / "one.edgeward"))
    (folder / GOLDEN_NAME).write_bytes(golden.getvalue())
    digest = hashlib.sha256(golden.getvalue()).hexdigest()
    manifest = dataclasses.replace(
        small_bundle.manifest,
        variants=(dataclasses.replace(variant, engine="onnxruntime"),),
        files={**small_bundle.manifest.files, GOLDEN_NAME: FileEntry(digest, len(golden.getvalue()))},
    )
    (folder / "manifest.json").write_bytes(manifest.to_bytes())
    assert chosen(open_bundle(folder))["backend"] == "onnxruntime"


def test_without_any_engine_the_error_says_how_to_install_them(small_bundle: Bundle, engines: Any) -> None:
    engines({"absent": "pip install one"}, {"absent": "pip install two"})
    with pytest.raises(BackendError, match="onnxruntime: pip install one; openvino: pip install two"):
        load(small_bundle)


@pytest.mark.parametrize(
    ("times_us", "errors", "taken"),
    [
        ((100.0, 90.0), (0.0, 0.0), 1),
        ((100.0, 97.0), (0.0, 0.0), 0),  # no clear difference: the order decides
        ((100.0, 90.0), (0.0, 1.0), 0),
        ((100.0, 50.0, 49.0), (0.0, 0.0, 0.0), 1),
        ((100.0, 50.0, 40.0), (0.0, 0.0, 0.0), 2),
        ((None,), (0.0,), 0),
    ],
)
def test_a_later_one_is_taken_only_where_it_is_clearly_faster(
    small_bundle: Bundle, times_us: tuple[float | None, ...], errors: tuple[float, ...], taken: int
) -> None:
    variant = small_bundle.manifest.variants[0]
    trials = {
        Candidate(f"engine {number}", variant): Trial(GoldenResult("fp32", "fp32", "", error, 0.5), us)
        for number, (us, error) in enumerate(zip(times_us, errors, strict=True))
    }
    assert _best(small_bundle, trials).backend == f"engine {taken}"


# What is named is used, or fails


def test_both_named_nothing_is_compared(small_bundle: Bundle, engines: Any, cache: Path) -> None:
    _, other = engines({}, times(WRONG))
    choice = chosen(small_bundle, backend="openvino", precision="fp32")
    assert (choice["backend"], choice["how"], choice["trials"]) == ("openvino", "asked for", [])
    assert other.calls == 0
    assert not cache.exists()


def test_a_device_without_a_named_engine_is_refused(small_bundle: Bundle, engines: Any) -> None:
    engines({}, {})
    with pytest.raises(RequestError, match="name the backend too"):
        load(small_bundle, device="cuda")


def test_a_named_engine_is_never_replaced(small_bundle: Bundle, engines: Any) -> None:
    reference, _ = engines({}, times(WRONG))
    with pytest.raises(GateError, match="openvino fp32"):
        load(small_bundle, backend="openvino")
    engines({}, {"absent": "not installed; install it with: pip install x"})
    with pytest.raises(BackendError, match="pip install x"):
        load(small_bundle, backend="openvino")
    engines({}, {"refusal": "no such operator"})
    with pytest.raises(BackendError, match="no such operator"):
        load(small_bundle, backend="openvino")
    assert reference.opened == 0


def test_a_named_precision_is_never_replaced(bundle: Bundle) -> None:
    for precision in ("fp32", "int8"):
        choice = chosen(bundle, precision=precision)
        assert choice["variant"] == precision
        assert {trial["precision"] for trial in choice["trials"]} == {precision}
        assert choice["asked"] == {"backend": "auto", "precision": precision}
    with pytest.raises(RequestError, match="no 'int2' variant for onnxruntime; it has fp32, int8"):
        load(bundle, precision="int2")


def test_auto_looks_at_every_variant_of_every_engine_on_the_processor(bundle: Bundle) -> None:
    choice = chosen(bundle)
    assert {(trial["backend"], trial["precision"]) for trial in choice["trials"]} == {
        (engine, precision)
        for engine in CPU_ENGINES
        if BACKENDS[engine].probe().available
        for precision in ("fp32", "int8")
    }


# Remembered


def test_what_was_chosen_is_remembered_and_no_other_engine_is_touched(small_bundle: Bundle, engines: Any) -> None:
    reference, other = engines({"call_s": SLOW_S}, {})
    first = chosen(small_bundle)
    assert "nothing was remembered yet" in first["notes"]
    opened, calls = reference.opened, other.calls
    again = chosen(small_bundle)
    assert (again["backend"], again["how"], again["notes"]) == ("openvino", "remembered", [])
    assert (reference.opened, other.calls) == (opened, calls)
    assert again["measured_at"] == first["measured_at"]
    for trial, before in zip(again["trials"], first["trials"], strict=True):
        assert trial == pytest.approx(before)


def test_a_new_version_of_an_engine_is_measured_and_takes_the_place_of_the_old(
    small_bundle: Bundle, engines: Any, cache: Path
) -> None:
    engines({"call_s": SLOW_S}, {})
    chosen(small_bundle)
    engines({"call_s": SLOW_S}, {**times(WRONG), "version": "1.0.1"})
    choice = chosen(small_bundle)
    assert (choice["backend"], choice["how"]) == ("onnxruntime", "measured")
    assert "an engine has changed" in choice["notes"][0]
    assert len(list(cache.rglob("*.json"))) == 1


def test_an_engine_that_is_installed_later_is_looked_at(small_bundle: Bundle, engines: Any) -> None:
    engines({"call_s": SLOW_S}, {"absent": "not installed"})
    assert chosen(small_bundle)["backend"] == "onnxruntime"
    engines({"call_s": SLOW_S}, {})
    assert chosen(small_bundle)["backend"] == "openvino"


def test_each_question_is_remembered_by_itself(small_bundle: Bundle, bundle: Bundle, engines: Any) -> None:
    engines({}, {})
    questions: list[tuple[Bundle, dict[str, Any]]] = [
        (small_bundle, {}),
        (small_bundle, {"backend": "openvino"}),
        (small_bundle, {"precision": "fp32"}),
        (bundle, {}),
    ]
    assert [chosen(which, **asked)["how"] for which, asked in questions] == ["measured"] * 4
    assert [chosen(which, **asked)["how"] for which, asked in questions] == ["remembered"] * 4


def test_another_processor_or_another_number_of_threads_is_another_question(
    small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    asked = {"backend": "auto", "precision": "auto"}
    places = {Question(small_bundle, asked, Options(threads=threads), {})._file for threads in (1, 2)}
    host = this_host()
    for change in ({"cpu": "another"}, {"cpu_class": "x86_64-avx2"}):
        other = dataclasses.replace(host, **change)
        monkeypatch.setattr("edgeward.runtime.choice_file.this_host", lambda other=other: other)
        places.add(Question(small_bundle, asked, Options(), {})._file)
    assert len(places) == 4


def test_an_engine_that_does_not_open_any_more_is_replaced_by_a_new_measurement(
    small_bundle: Bundle, engines: Any
) -> None:
    _, other = engines({"call_s": SLOW_S}, {})
    chosen(small_bundle)
    other.refusal = "its library is gone"
    choice = chosen(small_bundle)
    assert (choice["backend"], choice["how"]) == ("onnxruntime", "measured")
    assert "its library is gone" in choice["notes"][0]


def test_loading_from_many_threads_at_once_remembers_one_whole_choice(
    small_bundle: Bundle, engines: Any, cache: Path
) -> None:
    engines({}, {"call_s": SLOW_S})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: chosen(small_bundle), range(8)))
    assert [path.suffix for path in cache.rglob("*") if path.is_file()] == [".json"]
    assert chosen(small_bundle)["how"] == "remembered"


def test_what_was_measured_on_a_busy_machine_is_used_and_not_remembered(
    small_bundle: Bundle, engines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_LEAST_SHARE", LEAST_SHARE)
    _, other = engines({"call_s": SLOW_S, "asleep": True}, {"call_s": 2 * SLOW_S, "asleep": True})
    for _ in range(2):
        busy = chosen(small_bundle)
        assert (busy["backend"], busy["how"]) == ("onnxruntime", "measured")
        assert re.match(r"other work left \d+% of a processor for measuring", busy["notes"][-1])
    other.refusal = "gone"  # nothing is compared any more, and so nothing was in the way
    chosen(small_bundle)
    assert chosen(small_bundle)["how"] == "remembered"


def test_what_waits_for_another_device_is_no_sign_of_a_busy_machine(
    bundle: Bundle, engines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_LEAST_SHARE", LEAST_SHARE)
    engines({}, {"call_s": SLOW_S, "asleep": True})
    for device, how in (("cpu", "measured"), ("gpu", "remembered")):
        chosen(bundle, backend="openvino", device=device)
        assert chosen(bundle, backend="openvino", device=device)["how"] == how


def test_what_is_taken_is_opened_once_and_the_rest_is_closed(
    small_bundle: Bundle, engines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(FakeSession, "close", lambda session: closed.append(session.describe().backend))
    reference, other = engines({"call_s": SLOW_S}, {})
    with load(small_bundle):
        assert (reference.opened, other.opened) == (1, 1)
        assert closed == ["onnxruntime"]
    assert closed == ["onnxruntime", "openvino"]
    closed.clear()
    engines(times(WRONG), times(WRONG))
    with pytest.raises(GateError):
        choosing.choose_again(small_bundle)
    assert sorted(closed) == ["onnxruntime", "openvino"]
    closed.clear()
    engines({}, {})
    choosing.choose_again(small_bundle)
    assert sorted(closed) == ["onnxruntime", "openvino"]


# A cache that is damaged, hostile, closed or absent


def remembered_file(bundle: Bundle, cache: Path) -> Path:
    chosen(bundle)
    (file,) = cache.rglob("*.json")
    return file


def edited(file: Path, **changes: Any) -> str:
    return json.dumps({**json.loads(file.read_text()), **changes})


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: "",
        lambda file: "{",
        lambda file: "[]",
        lambda file: "\x00" * 100,
        lambda file: "[" * 100_000,
        lambda file: " " * 300_000,
        lambda file: file.read_text()[:-20],
        lambda file: edited(file, format=2),
        lambda file: edited(file, format="1"),
        lambda file: edited(file, bundle_sha256="0" * 64),
        lambda file: edited(file, backend="tensorrt"),
        lambda file: edited(file, backend="../../x"),
        lambda file: edited(file, variant="int4"),
        lambda file: edited(file, variant=None),
        lambda file: edited(file, trials=[]),
        lambda file: edited(file, trials=7),
        lambda file: edited(file, trials=[{"backend": "onnxruntime", "variant": "fp32", "refusal": "", "error": 9}]),
        lambda file: edited(file, trials=[{"backend": "onnxruntime", "variant": "fp32", "refusal": ""}]),
        lambda file: edited(file, measured_at="\x1b[2J"),
        lambda file: edited(file, absent={"openvino": "\x1b]0;x\x07"}),
        lambda file: edited(file, more=1),
        lambda file: edited(file, software={}),
    ],
)
def test_what_makes_no_sense_is_measured_again_and_replaced(
    small_bundle: Bundle, engines: Any, cache: Path, damage: Callable[[Path], str]
) -> None:
    engines({}, {"call_s": SLOW_S})
    file = remembered_file(small_bundle, cache)
    file.write_text(damage(file))
    choice = chosen(small_bundle)
    assert (choice["backend"], choice["how"]) == ("onnxruntime", "measured")
    assert choice["notes"]
    assert all(note.isprintable() for note in choice["notes"])
    assert chosen(small_bundle)["how"] == "remembered"


def test_a_choice_that_was_never_right_here_is_not_believed(small_bundle: Bundle, engines: Any, cache: Path) -> None:
    engines({"call_s": SLOW_S}, times(WRONG))
    file = remembered_file(small_bundle, cache)
    file.write_text(edited(file, backend="openvino"))
    assert chosen(small_bundle)["backend"] == "onnxruntime"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_never_fail_a_caller(small_bundle: Bundle, tmp_path: Path, data: st.DataObject) -> None:
    offered = [Candidate("onnxruntime", small_bundle.manifest.variants[0])]
    software = {"edgeward": edgeward_version(), "onnxruntime": BACKENDS["onnxruntime"].probe().reason}
    question = Question(small_bundle, {"backend": "onnxruntime", "precision": "auto"}, Options(), software)
    file = question._file
    assert file
    if not (tmp_path / "good").exists():
        load(small_bundle, backend="onnxruntime").close()
        assert question.recall(offered)[0]
        (tmp_path / "good").write_bytes(file.read_bytes())
    content = bytearray((tmp_path / "good").read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    file.write_bytes(content)
    choice, reason = question.recall(offered)
    assert (choice is None) == bool(reason)
    assert choice is None or choice.backend == "onnxruntime"
    assert reason.isprintable()


@pytest.mark.skipif(sys.platform == "win32", reason="no such files on Windows")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "endless"])
def test_what_is_no_ordinary_file_is_not_read(small_bundle: Bundle, engines: Any, cache: Path, kind: str) -> None:
    engines({}, {"call_s": SLOW_S})
    file = remembered_file(small_bundle, cache)
    content = file.read_bytes()
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        (cache / "elsewhere").write_bytes(content)
        file.symlink_to(cache / "elsewhere" if kind == "link" else "/dev/zero")
    choice = chosen(small_bundle)
    assert (choice["how"], choice["backend"]) == ("measured", "onnxruntime")
    assert "what was remembered" in choice["notes"][0]


@pytest.mark.parametrize("place", ["file", "below a file", "/proc/none"])
def test_a_folder_that_cannot_be_made_or_written_costs_only_the_measurement(
    small_bundle: Bundle, engines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").touch()
    folder = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "x"}.get(place, Path(place))
    monkeypatch.setenv("EDGEWARD_CACHE", str(folder))
    engines({}, {"call_s": SLOW_S})
    choice = chosen(small_bundle)
    assert (choice["backend"], choice["how"]) == ("onnxruntime", "measured")
    assert "cannot be remembered" in choice["notes"][-1]
    assert chosen(small_bundle)["how"] == "measured"


def test_a_user_without_a_home_is_served_too(
    small_bundle: Bundle, engines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("EDGEWARD_HOME", "EDGEWARD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    engines({}, {"call_s": SLOW_S})
    choice = chosen(small_bundle)
    assert choice["backend"] == "onnxruntime"
    assert "EDGEWARD_CACHE" in choice["notes"][0]


# INT8 on a processor whose sums of products saturate


def quantised(rows: np.ndarray, weights: np.ndarray, *, saturating: bool) -> np.ndarray:
    """Unsigned times signed bytes, summed exactly, or two by two in 16 bits as AVX2's `vpmaddubsw` does."""
    scale = 4.0 / 127
    unsigned = np.clip(np.rint(rows / scale) + 128, 0, 255).astype(np.int32)
    step = float(np.abs(weights).max()) / 127
    signed = np.clip(np.rint(weights / step), -128, 127).astype(np.int32)
    products = unsigned[:, :, None] * signed[None]
    if saturating:
        products = np.clip(products[:, 0::2] + products[:, 1::2], -(2**15), 2**15 - 1)
    return (products.sum(1) - 128 * signed.sum(0)) * scale * step


def test_an_engine_whose_int8_sums_saturate_is_caught_by_the_golden_samples(
    small_bundle: Bundle,
    small_graph: Callable[..., bytes],
    pack_by_hand: Callable[..., Path],
    tmp_path: Path,
    engines: Any,
) -> None:
    generator = np.random.default_rng(0)
    weights = generator.uniform(0.8, 1.0, (4, 16)) * generator.choice([-1, 1], 16)  # pairs that add up

    def int8(saturating: bool) -> Callable[[Any, Any], Any]:
        return lambda samples, inputs: quantised(inputs[0], weights, saturating=saturating).reshape(samples.shape)

    from edgeward.runtime.feed import Feed

    inputs = Feed(5, (4,), small_bundle.manifest.data.conditions, {}).take(0, 6)
    golden = quantised(inputs.noise, weights, saturating=False).reshape(6, 2, 8).astype(np.float32)
    packed = open_bundle(pack_by_hand(tmp_path / "int8.edgeward", small_graph(), golden=golden))
    engines({"change": int8(saturating=True)}, {"change": int8(saturating=False), "call_s": SLOW_S})
    choice = chosen(packed)
    assert choice["backend"] == "openvino"
    assert trial_of(choice, "openvino")["error"] < 1e-6
    assert trial_of(choice, "onnxruntime")["error"] > 0.01
