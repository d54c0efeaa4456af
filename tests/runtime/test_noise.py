"""Noise is a fixed function of (seed, index): pinned, checked against the papers, the same however it is cut."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
from edgeward.runtime.noise import MAX_SEED, NoiseStream, UniformStream, normals_from_bits
from hypothesis import given, settings
from hypothesis import strategies as st

WORD = 2**64 - 1

# Known answers of philox4x64-10 in the authors' Random123 distribution (kat_vectors): counter, key, output.
KNOWN_ANSWERS = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (WORD, WORD, WORD, WORD),
        (WORD, WORD),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]

# float32 values as big-endian hexadecimals. A change here breaks every seed in use.
GOLDEN_NOISE = [
    (0, 0, "3fe85a7d 4011668e bf9bad28 3f338a3d"),
    (1, 0, "3dd54066 3f03a063 bf3d9926 bec711fa"),
    (7, 12345, "bf2995ea bf3e8b18 3fb29231 bf03fae7"),
    (2**64 - 1, 0, "bfcd8650 3f3900db bf6a5aee bf4803cb"),
    (2**64 - 1, 2**62, "bf9a3675 bf9b1eac 3ea4e939 be99b5f1"),
    (123456789, 2**63 - 2, "3c6b5f2c bf7d8fa6 bd785ede bd4f08bc"),
]


def philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """Philox 4x64 with ten rounds, written down from Salmon et al., SC'11."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        low_product, high_product = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (
            (high_product >> 64) ^ c1 ^ k0,
            high_product & WORD,
            (low_product >> 64) ^ c3 ^ k1,
            low_product & WORD,
        )
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & WORD, (k1 + 0xBB67AE8584CAA73B) & WORD
    return c0, c1, c2, c3


def words(seed: int, stream: int, first_block: int) -> Iterator[int]:
    """The words of a stream from a block on; block b is counter b + 1."""
    block = first_block
    while True:
        block += 1
        yield from philox(tuple(block >> shift & WORD for shift in (0, 64, 128, 192)), (seed, stream))


def halves(seed: int, index: int, size: int) -> npt.NDArray[np.uint32]:
    """The 32-bit numbers that the noise of one sample is made of."""
    blocks = -(-size // 8)
    stream = words(seed, 0, index * blocks)
    pairs = [(word & 0xFFFFFFFF, word >> 32) for word, _ in zip(stream, range(-(-size // 2)), strict=False)]
    return np.array(pairs, dtype=np.uint32).ravel()[:size]


def exact_normals(bits: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """What the transform stands for, by scipy's quantile function."""
    tail = ((bits & 0x7FFFFFFF).astype(np.float64) + 0.5) / 2**32
    return np.where(bits >> 31, 1.0, -1.0) * scipy.stats.norm.ppf(tail)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_the_oracle_gives_the_authors_known_answers(
    counter: tuple[int, ...], key: tuple[int, int], answer: tuple[int, ...]
) -> None:
    assert philox(counter, key) == answer


@pytest.mark.parametrize("size", [1, 4, 8, 9, 30])
@pytest.mark.parametrize(("seed", "index"), [(0, 0), (1, 3), (MAX_SEED, 2**62), (42, 2**63 - 2)])
def test_noise_is_made_from_the_philox_words_of_its_seed_and_index(seed: int, index: int, size: int) -> None:
    noise = NoiseStream(seed, (size,)).take(index, 1)[0]
    assert noise.tobytes() == normals_from_bits(halves(seed, index, size)).tobytes()


@pytest.mark.parametrize(("seed", "index"), [(0, 0), (7, 5), (MAX_SEED, 2**62)])
def test_uniforms_are_the_top_53_bits_of_stream_one(seed: int, index: int) -> None:
    expected = [word >> 11 for word, _ in zip(words(seed, 1, index), range(3), strict=False)]
    assert (UniformStream(seed, 3).take(index, 1)[0] * 2**53).tolist() == expected


@pytest.mark.parametrize(("seed", "first", "expected"), GOLDEN_NOISE)
def test_noise_is_what_it_has_always_been(seed: int, first: int, expected: str) -> None:
    noise = NoiseStream(seed, (4,)).take(first, 1)[0]
    assert noise.dtype == np.float32
    assert noise.astype(">f4").tobytes().hex(" ", 4) == expected


def test_uniforms_are_what_they_have_always_been() -> None:
    uniforms = UniformStream(7, 3).take(5, 1)[0]
    assert uniforms.astype(">f8").tobytes().hex(" ", 8) == "3fde3544a8a98fe2 3fb33b6119f0e918 3fef0cf34bca0186"


def test_the_transform_is_what_it_has_always_been_at_its_extremes() -> None:
    bits = [0, 1, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0x40000000, 0x12345678, 0xDEADBEEF]
    found = normals_from_bits(np.array(bits, dtype=np.uint32)).astype(">f4").tobytes().hex(" ", 4)
    assert found == "40cad08d 40c55364 00000000 c0cad08d c0c55364 80000000 3f2cab5c 3fbbd936 beaa20ba"


def test_the_transform_is_the_normal_quantile_within_a_millionth() -> None:
    powers = 2 ** np.arange(32, dtype=np.uint64)
    around = np.concatenate([powers - 1, powers, powers + 1, 2**32 - powers])
    random = np.random.Generator(np.random.PCG64(0)).integers(0, 2**32, 500_000)
    small = np.arange(100_000)  # the far tail, where the quantile is steepest
    bits = np.concatenate([around, random, small, small + 2**31]).astype(np.uint32)
    assert np.abs(normals_from_bits(bits) - exact_normals(bits)).max() < 1e-6


def test_the_transform_is_symmetric() -> None:
    bits = np.random.Generator(np.random.PCG64(1)).integers(0, 2**32, 10_000).astype(np.uint32)
    np.testing.assert_array_equal(normals_from_bits(bits ^ np.uint32(2**31)), -normals_from_bits(bits))


def test_noise_is_standard_normal() -> None:
    noise = NoiseStream(11, (64,)).take(0, 4000)
    assert scipy.stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    assert np.abs(noise).max() < 6.4
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.01  # neighbouring samples
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.01  # inside a sample


def test_neighbouring_seeds_and_streams_are_unrelated() -> None:
    one, next_seed = (NoiseStream(seed, (1000,)).take(0, 10).ravel() for seed in (1, 2))
    uniforms = UniformStream(1, 1000).take(0, 10).ravel()
    assert abs(np.corrcoef(one, next_seed)[0, 1]) < 0.05
    assert abs(np.corrcoef(one, uniforms)[0, 1]) < 0.05


def test_uniforms_fill_zero_to_one_without_one() -> None:
    uniforms = UniformStream(3, 5).take(0, 20_000)
    assert uniforms.min() >= 0.0
    assert uniforms.max() < 1.0
    assert scipy.stats.kstest(uniforms.ravel(), "uniform").pvalue > 0.01


@pytest.mark.parametrize("size", [1, 7, 64])
def test_noise_does_not_depend_on_the_batch_size(size: int) -> None:
    whole = NoiseStream(9, (6,)).take(0, 200)
    stream = NoiseStream(9, (6,))
    parts = [stream.take(first, min(size, 200 - first)) for first in range(0, 200, size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, MAX_SEED),
    start=st.integers(0, 2**63 - 200),
    size=st.integers(1, 20),
    slices=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99)), max_size=6),
)
def test_any_slice_in_any_order_holds_the_same_noise(
    seed: int, start: int, size: int, slices: list[tuple[int, int]]
) -> None:
    noise, uniform = NoiseStream(seed, (size,)), UniformStream(seed, size)
    all_noise, all_uniforms = NoiseStream(seed, (size,)).take(start, 200), UniformStream(seed, size).take(start, 200)
    for first, n in slices:
        np.testing.assert_array_equal(noise.take(start + first, n), all_noise[first : first + n])
        np.testing.assert_array_equal(uniform.take(start + first, n), all_uniforms[first : first + n])


def test_threads_that_share_a_stream_get_the_right_noise() -> None:
    whole = NoiseStream(4, (16,)).take(0, 4000)
    shared = NoiseStream(4, (16,))
    firsts = np.random.Generator(np.random.PCG64(0)).permutation(400) * 10
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda first: shared.take(int(first), 10), firsts))
    for first, part in zip(firsts, parts, strict=True):
        np.testing.assert_array_equal(part, whole[first : first + 10])


def test_a_samples_noise_is_the_same_in_any_shape() -> None:
    np.testing.assert_array_equal(NoiseStream(2, (3, 5)).take(8, 4), NoiseStream(2, (15,)).take(8, 4).reshape(4, 3, 5))
