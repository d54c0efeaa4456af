"""A loaded bundle gives the samples of (seed, index, condition), the same however they are asked for."""

import gc
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.devices import this_host
from edgeward.runtime import BackendError, Batch, Bundle, BundleError, Generator, RequestError, load
from edgeward.runtime.feed import Feed
from edgeward.runtime.generator import fastest_batch_size
from edgeward.runtime.golden import relative_error
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto

GOLDEN = np.ones((1, 2, 8), dtype=np.float32)


@pytest.fixture
def on_backend(small_bundle: Bundle, backend: str) -> Iterator[Generator]:
    with load(small_bundle, backend=backend) as generator:
        yield generator


def joined(batches: Iterator[Batch]) -> npt.NDArray[np.float32]:
    return np.concatenate([batch.samples for batch in batches])


def close_enough(samples: npt.NDArray[np.float32], truth: npt.NDArray[np.float32], bundle: Bundle) -> bool:
    return relative_error(samples, truth) <= bundle.manifest.variants[0].tolerance["default"]


# What is generated


def test_samples_are_the_graph_applied_to_the_noise_and_conditions_of_the_seed(
    on_backend: Generator, small_bundle: Bundle, weights: npt.NDArray[np.float32]
) -> None:
    inputs = Feed(3, (4,), small_bundle.manifest.data.conditions, {"rhythm": 1.0, "heart_rate": 60.0}).take(7, 40)
    expected = np.clip(np.hstack([inputs.noise, inputs.condition]) @ weights, -5, 5).reshape(40, 2, 8)
    batch = on_backend.generate(40, condition={"rhythm": "AF", "heart_rate": 60}, seed=3, first=7)
    assert batch.samples.dtype == np.float32
    assert batch.samples.shape == (40, 2, 8)
    assert close_enough(batch.samples, expected.astype(np.float32), small_bundle)


def test_engines_agree_within_the_golden_tolerance(small_bundle: Bundle, backend: str) -> None:
    with load(small_bundle) as reference, load(small_bundle, backend=backend) as other:
        for n in (1, 32, 100, 600):
            truth, found = reference.generate(n, seed=2**64 - 1), other.generate(n, seed=2**64 - 1)
            assert close_enough(found.samples, truth.samples, small_bundle)
            for name, values in truth.columns.items():
                np.testing.assert_array_equal(found.columns[name], values)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_engines_agree_on_a_trained_bundle(bundle: Bundle, backend: str, precision: str) -> None:
    tolerance = bundle.manifest.variant(precision).tolerance_for(this_host().cpu_class)
    with load(bundle, precision=precision) as reference, load(bundle, precision=precision, backend=backend) as other:
        truth, found = reference.generate(64, seed=99).samples, other.generate(64, seed=99).samples
    assert relative_error(found, truth) <= tolerance


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_same_samples_come_in_batches_of_any_size(on_backend: Generator, small_bundle: Bundle, size: int) -> None:
    whole = on_backend.generate(130, seed=5).samples
    in_batches = joined(on_backend.iterate(130, batch_size=size, seed=5))
    assert close_enough(in_batches, whole, small_bundle)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([0, 10**6, 2**63 - 300]),
    slices=st.lists(st.tuples(st.integers(0, 199), st.integers(1, 99), st.integers(1, 80)), max_size=5),
)
def test_any_slice_holds_the_same_samples(
    on_backend: Generator, small_bundle: Bundle, start: int, slices: list[tuple[int, int, int]]
) -> None:
    whole = on_backend.generate(299, seed=6, first=start)
    for first, n, size in slices:
        once = on_backend.generate(n, seed=6, first=start + first)
        parts = joined(on_backend.iterate(n, batch_size=size, seed=6, first=start + first))
        for samples in (once.samples, parts):
            assert close_enough(samples, whole.samples[first : first + n], small_bundle)
        for name, values in whole.columns.items():
            np.testing.assert_array_equal(once.columns[name], values[first : first + n])


def test_the_same_call_gives_the_same_bytes(on_backend: Generator) -> None:
    first = on_backend.generate(33, seed=1).samples.tobytes()
    on_backend.generate(5, seed=2, condition={"rhythm": "SR"})
    assert on_backend.generate(33, seed=1).samples.tobytes() == first


def test_single_calls_one_after_the_other_are_the_samples_of_one_call(
    on_backend: Generator, small_bundle: Bundle
) -> None:
    singles = np.concatenate([on_backend.generate(1, seed=4, first=index).samples for index in range(300)])
    assert close_enough(singles, on_backend.generate(300, seed=4).samples, small_bundle)


def test_results_belong_to_the_caller(on_backend: Generator) -> None:
    for n in (1, 2, 32, 40, 300):
        batch = on_backend.generate(n, seed=1)
        before = batch.samples.copy()
        on_backend.generate(n, seed=2)
        np.testing.assert_array_equal(batch.samples, before)
        batch.samples[...] = 0.0  # may be written to
        assert on_backend.generate(n, seed=1).samples.any()


def test_conditions_of_one_batch_cannot_be_changed_by_way_of_another(generator: Generator) -> None:
    batch = generator.generate(5, seed=1)
    before = {name: values.copy() for name, values in batch.columns.items()}
    for values in batch.columns.values():
        with pytest.raises(ValueError, match="read-only"):
            values[:] = 0
    for name, values in generator.generate(5, seed=1).columns.items():
        np.testing.assert_array_equal(values, before[name])


def test_results_outlive_the_generator(small_bundle: Bundle, backend: str) -> None:
    with load(small_bundle, backend=backend) as generator:
        batches = [generator.generate(n, seed=1) for n in (1, 5)]
        copies = [batch.samples.copy() for batch in batches]
    del generator
    gc.collect()
    for batch, copy in zip(batches, copies, strict=True):
        np.testing.assert_array_equal(batch.samples, copy)


def test_threads_that_share_a_generator_get_the_right_samples(on_backend: Generator, small_bundle: Bundle) -> None:
    truth = {seed: on_backend.generate(20, seed=seed).samples for seed in range(8)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: on_backend.generate(20, seed=number % 8).samples, range(200)))
    for number, samples in enumerate(found):
        np.testing.assert_array_equal(samples, truth[number % 8])


# What a batch says about itself


def test_a_batch_carries_names_units_rate_conditions_and_provenance(generator: Generator, small_bundle: Bundle) -> None:
    batch = generator.generate(3, condition={"rhythm": "AF"}, seed=7, first=10)
    assert len(batch) == 3
    assert [(c.name, c.unit) for c in batch.channels] == [("ECG", "mV"), ("ABP", "mm[Hg]")]
    assert batch.sampling_rate_hz == 125.0
    assert batch.conditions["rhythm"].tolist() == ["AF"] * 3
    rates = batch.conditions["heart_rate"]
    assert ((rates >= 30) & (rates <= 200)).all()
    assert len(set(rates.tolist())) == 3
    provenance = batch.provenance
    assert provenance["synthetic"] == "SYNTHETIC"
    assert "not from a patient" in provenance["statement"]
    assert provenance["bundle_sha256"] == small_bundle.digest
    assert (provenance["seed"], provenance["first"], provenance["n"]) == (7, 10, 3)
    assert (provenance["bundle"], provenance["precision"]) == ("waves 0.0.1", "fp32")
    assert provenance["backend"].startswith("onnxruntime ")
    assert provenance["software"].startswith("edgeward ")
    assert provenance["noise"] == small_bundle.manifest.noise_algorithm


def test_the_description_tells_the_variant_and_what_the_engine_computes_in(on_backend: Generator, backend: str) -> None:
    description = on_backend.describe()
    assert (description["variant"], description["precision"]) == ("fp32", "f32")
    assert (description["backend"], description["device"], description["threads"]) == (backend, "CPU", 1)


# Seeds


def test_without_a_seed_one_is_drawn_and_calls_go_on_where_the_last_ended(generator: Generator) -> None:
    one, two = generator.generate(3), generator.generate(4)
    series = generator.series(5)
    three = generator.generate(2)
    assert {one.seed, two.seed, series.seed, three.seed} == {one.seed}
    assert (one.first, two.first, series.first, three.first) == (0, 3, 7, 12)
    again = generator.generate(7, seed=one.seed)
    np.testing.assert_allclose(np.concatenate([one.samples, two.samples]), again.samples, atol=1e-6)


def test_each_generator_draws_its_own_seed(small_bundle: Bundle) -> None:
    with load(small_bundle) as one, load(small_bundle) as two:
        assert one.generate().seed != two.generate().seed  # 48 random bits


def test_with_a_seed_counting_starts_at_zero(generator: Generator) -> None:
    generator.generate(5, seed=1)
    assert generator.generate(5, seed=1).first == 0


def test_a_refused_call_does_not_move_the_place_of_the_next(generator: Generator) -> None:
    generator.generate(2)
    for n, first in ((1, -5), (0, None), (2**60, None)):
        with pytest.raises(RequestError):
            generator.generate(n, first=first)
    assert generator.generate(1).first == 2


# What is refused


@pytest.mark.parametrize(
    ("n", "options", "told"),
    [
        (0, {}, "n must be 1 or more, not 0"),
        (-1, {}, "n must be 1 or more, not -1"),
        (1, {"seed": -1}, "seed must be from 0"),
        (1, {"seed": 2**64}, "seed must be from 0"),
        (1, {"seed": 1, "first": -1}, "indices must be from 0"),
        (2, {"seed": 1, "first": 2**63 - 2}, "indices must be from 0"),
        (2**63, {"seed": 1}, "indices must be from 0"),
        (2.0, {}, "n must be a whole number, not 2.0"),
        ("2", {}, "n must be a whole number, not '2'"),
        (1, {"seed": 1.5}, "seed must be a whole number, not 1.5"),
        (1, {"first": "1"}, "first must be a whole number, not '1'"),
        (1, {"condition": {"rythm": "AF"}}, "no condition 'rythm'"),
        (1, {"condition": "rhythm=AF"}, "conditions are given by name"),
        (1, {"condition": {"rhythm": "VT"}}, "rhythm=VT is not possible"),
        (1, {"condition": {"heart_rate": 500}}, "heart_rate=500 is not possible"),
    ],
)
def test_nonsense_is_refused_at_once_by_every_way_to_generate(
    generator: Generator, n: Any, options: dict[str, Any], told: str
) -> None:
    for ask in (generator.generate, generator.iterate, generator.series):
        with pytest.raises(RequestError, match=told):
            ask(n, **options)


@pytest.mark.parametrize("size", [0, 2.5, "2"])
def test_a_batch_size_that_is_none_is_refused(generator: Generator, size: Any) -> None:
    with pytest.raises(RequestError, match="batch_size"):
        generator.iterate(1, batch_size=size)


def test_whole_numbers_of_numpy_are_as_good_as_pythons(generator: Generator) -> None:
    truth = generator.generate(3, seed=7, first=2)
    for kind in (np.int64, np.uint8):
        batch = generator.generate(kind(3), seed=kind(7), first=kind(2))
        np.testing.assert_array_equal(batch.samples, truth.samples)
        assert json.loads(json.dumps(batch.provenance)) == truth.provenance
    (series,) = generator.iterate(np.int64(3), batch_size=np.int64(3), seed=np.int64(7), first=np.int64(2))
    assert json.loads(json.dumps(series.provenance)) == truth.provenance


def test_an_array_of_conditions_is_refused_also_after_a_call_that_was_right(generator: Generator) -> None:
    generator.generate(2, condition={"rhythm": "AF", "heart_rate": 60})
    for asked in ({"rhythm": np.array(["AF", "SR"])}, {"heart_rate": np.array([60, 70])}):
        with pytest.raises(RequestError, match="is not possible"):
            generator.generate(2, condition=asked)  # type: ignore[arg-type]


def test_more_than_fits_into_memory_is_refused_with_the_way_out(generator: Generator) -> None:
    for n in (2**50, 2**61):
        with pytest.raises(RequestError, match=r"do not fit into memory; use iterate\(\)"):
            generator.generate(n, seed=1)


def test_a_huge_n_starts_at_once_when_iterated(generator: Generator) -> None:
    batch = next(generator.iterate(2**62, seed=1))
    np.testing.assert_array_equal(batch.samples, generator.generate(len(batch), seed=1).samples)


@pytest.mark.parametrize(
    ("shape", "size"), [((1,), 256), ((16,), 256), ((2, 256), 64), ((12, 1024), 16), ((3, 512, 512), 16), ((0,), 256)]
)
def test_a_graph_call_makes_more_of_what_is_small(shape: tuple[int, ...], size: int) -> None:
    assert fastest_batch_size(shape) == size


def test_many_samples_are_made_in_calls_of_the_fastest_size(generator: Generator) -> None:
    assert generator.batch_size == 256
    assert [len(batch) for batch in generator.iterate(600, seed=1)] == [256, 256, 88]


def test_a_closed_generator_says_so(small_bundle: Bundle, backend: str) -> None:
    generator = load(small_bundle, backend=backend)
    begun = generator.iterate(64, seed=1, batch_size=32)
    next(begun)
    generator.close()
    generator.close()  # closing twice is harmless
    for ask in (
        lambda: generator.generate(1, seed=1),
        lambda: generator.generate(40, seed=1),
        lambda: generator.series(1),
        lambda: next(begun),
        generator.describe,
    ):
        with pytest.raises(RequestError, match="closed"):
            ask()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"backend": "tensorflow"}, "no backend 'tensorflow'; there are onnxruntime, openvino"),
        ({"precision": "int4"}, "no 'int4' variant"),
        ({"threads": 0}, "threads must be"),
        ({"threads": 1.5}, "threads must be a whole number, not 1.5"),
        ({"threads": "2"}, "threads must be a whole number, not '2'"),
        ({"backend": "onnxruntime", "device": ""}, "no device ''"),
        ({"threads": -1}, "threads must be"),
        ({"threads": 100_000}, "threads must be"),
    ],
)
def test_loading_what_is_not_there_is_refused(small_bundle: Bundle, options: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        load(small_bundle, **options)


# Graphs that break the contract


@pytest.mark.parametrize(
    "broken",
    [
        {"inputs": ("z", "condition")},
        {"inputs": ("condition", "noise")},
        {"output": "y"},
        {"noise_size": 5},
        {"shape": (0, 1, 16)},
        {"shape": (0, 16)},
        {"batch": 1},
    ],
    ids=str,
)
def test_a_graph_with_other_names_or_shapes_than_the_manifest_says_is_refused(
    broken: dict[str, Any],
    backend: str,
    small_graph: Callable[..., bytes],
    pack_by_hand: Callable[..., Path],
    tmp_path: Path,
) -> None:
    path = pack_by_hand(tmp_path / "broken.edgeward", small_graph(**broken), golden=GOLDEN)
    with pytest.raises(BundleError, match="does not keep the contract"):
        load(path, backend=backend)


def test_a_graph_of_another_number_type_is_refused(
    backend: str, small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    graph = small_graph(element=TensorProto.DOUBLE)
    path = pack_by_hand(tmp_path / "broken.edgeward", graph, golden=GOLDEN)
    with pytest.raises(BackendError, match="'noise' of the graph is"):
        load(path, backend=backend)


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08\x09" * 50])
def test_what_is_no_graph_is_refused_before_an_engine_sees_it(
    content: bytes, backend: str, pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    path = pack_by_hand(tmp_path / "broken.edgeward", content, golden=GOLDEN)
    with pytest.raises(BundleError, match="no ONNX that Edgeward runs"):
        load(path, backend=backend)


def test_a_graph_that_fails_while_it_runs_is_a_backend_error(
    backend: str, small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    # A zero keeps the size of the batch; the damaged graph wants three values where there are eight.
    broken = small_graph().replace(np.array([0, 2, 8], np.int64).tobytes(), np.array([0, 2, 3], np.int64).tobytes())
    path = pack_by_hand(tmp_path / "broken.edgeward", broken, golden=GOLDEN)
    with pytest.raises((BackendError, BundleError)), load(path, backend=backend) as generator:
        generator.generate(1, seed=1)
        generator.generate(2, seed=1)


# Several threads


def test_threads_without_a_seed_share_its_samples_and_none_comes_twice(on_backend: Generator) -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda number: on_backend.generate(1 + number % 5), range(100)))
    assert len({batch.seed for batch in batches}) == 1
    taken = sorted(index for batch in batches for index in range(batch.first, batch.first + len(batch)))
    assert taken == list(range(sum(map(len, batches))))


def test_threads_may_iterate_side_by_side(on_backend: Generator, small_bundle: Bundle) -> None:
    whole = on_backend.generate(120, seed=3).samples
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda size: joined(on_backend.iterate(120, batch_size=size, seed=3)), (1, 7, 32, 50)):
            assert close_enough(found, whole, small_bundle)


def test_closing_while_other_threads_generate_ends_them_with_an_error_and_nothing_else(
    small_bundle: Bundle, backend: str
) -> None:
    generator = load(small_bundle, backend=backend)

    def work(_: int) -> bool:
        try:
            while True:
                assert generator.generate(2, seed=1).samples.shape == (2, 2, 8)
        except RequestError as error:
            return "closed" in str(error)

    with ThreadPoolExecutor(3) as pool:
        waiting = pool.map(work, range(3))
        time.sleep(0.05)
        generator.close()
        assert list(waiting) == [True] * 3
