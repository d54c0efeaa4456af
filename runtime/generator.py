"""Run a bundle: from (seed, index, condition) to samples in physical units."""

from __future__ import annotations

import functools
import math
import operator
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..devices import this_host
from .backends import Options, Session
from .batch import Batch, Source, make_provenance
from .bundle import Bundle, open_bundle
from .choice import AUTO, Choice
from .choosing import open_chosen
from .condition import ConditionColumns, ConditionValue, check_request
from .errors import RequestError
from .feed import Feed, GraphInputs
from .noise import MAX_SEED
from .plausibility import Checker, guarded
from .violations import OnViolation, Tally, checked_choice

_FEWEST_AT_ONCE, _MOST_AT_ONCE, _NUMBERS_AT_ONCE = 16, 256, 2**15

_MAX_INDEX = 2**63 - 1
_DRAWN_SEED_BITS = 48  # few enough digits to write down, and exact in every JSON reader


def load(
    path: str | os.PathLike[str] | Bundle,
    *,
    backend: str = AUTO,
    precision: str = AUTO,
    threads: int = 1,
    device: str | None = None,
) -> Generator:
    """Open a bundle and make it ready to generate.

    Args:
        path: A bundle folder, a bundle as one file, the name of an installed one, or a bundle opened already.
        backend: `onnxruntime`, `openvino`, `tensorrt` or `tensorrt-rtx`: what is asked for by name is what runs, there
            is no fall-back. `auto`: of those that are installed and compute on the processor, the fastest that gives
            the golden samples of the bundle on this machine. It is measured once, in a second or two, and remembered.
        precision: Which variant, e.g. `fp32` or `int8`: the engine's own form of it where the bundle has one. `auto`:
            as for the engine. Name both to make the same bytes again on another day.
        threads: Threads an operator may use, at most one per core.
        device: Where the engine shall compute: `cpu`, `cuda`, `coreml` or `directml` of onnxruntime, `cpu`, `gpu` or
            `gpu.1` of OpenVINO, `cuda` of TensorRT. None: the first of them.

    Raises:
        BundleError: The bundle is damaged, incomplete or for a newer runtime.
        BackendError: The engine is absent, or refuses the graph.
        RequestError: There is no such backend, device or variant, or too many or too few threads.
        GateError: With `auto`: no engine gives the golden samples.
    """
    cores, threads = this_host().logical_cores, _whole("threads", threads)
    if not 1 <= threads <= cores:  # an engine asked for more starts them all, and can take the machine down
        raise RequestError(f"threads must be from 1 to {cores}, the cores this process may use, not {threads}")
    bundle = path if isinstance(path, Bundle) else open_bundle(path)
    session, choice = open_chosen(bundle, backend, precision, Options(threads=threads, device=device))
    return Generator(bundle, session, choice)


def fastest_batch_size(shape: tuple[int, ...]) -> int:
    """Samples of one graph call: enough that the call itself costs little, and few enough to stay in the caches.

    A power of two, for which engines can be prepared. Measured: within 5 % of the best of 8 to 1024 for table rows,
    heart beats and twelve-lead strips, on onnxruntime and OpenVINO.

    Args:
        shape: Of one sample.
    """
    fitting = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(shape)))
    return int(min(max(2 ** (fitting.bit_length() - 1), _FEWEST_AT_ONCE), _MOST_AT_ONCE))


def _whole(name: str, value: int) -> int:
    """Python's own integer for any library's: numpy's overflow, and JSON does not take them."""
    try:
        return int(operator.index(value))
    except TypeError:
        raise RequestError(f"{name} must be a whole number, not {value!r}") from None


@dataclass(frozen=True)
class Series:
    """Samples `first` to `first + n - 1` of a seed, not generated yet: what a file writer is given."""

    generator: Generator
    n: int
    seed: int
    first: int
    fixed: Mapping[str, float]
    on_violation: OnViolation | None = None
    """What becomes of samples that break a rule; None: they are not checked."""

    def batches(self, size: int | None = None) -> Iterator[Batch]:
        """The samples in order, at most `size` at a time (None: as many as is fastest), in constant memory."""
        size = size or self.generator.batch_size
        feed = self.generator._feed(self.seed, self.fixed)
        firsts = range(self.first, self.first + self.n, size)
        for first, inputs in zip(firsts, feed.portions(self.first, self.n, size), strict=True):
            yield self.generator._run(feed, first, inputs, self.on_violation)

    def columns(self, size: int = 4096) -> Iterator[ConditionColumns]:
        """The conditions of the samples in order, without generating them again."""
        feed = self.generator._feed(self.seed, self.fixed)
        for first in range(self.first, self.first + self.n, size):
            yield feed.columns(first, min(size, self.first + self.n - first))

    @property
    def provenance(self) -> dict[str, Any]:
        """The provenance of all samples together, with the synthetic mark."""
        told = {} if self.on_violation is None else {"on_violation": self.on_violation}
        return make_provenance(self.generator.source, self.seed, self.first, self.n) | told

    def provenance_with(self, tally: Tally) -> dict[str, Any]:
        """The provenance, with what was found in the samples now that they are made."""
        return self.provenance | ({} if self.on_violation is None else {"violations": tally.to_json()})


class Generator:
    """A bundle loaded on an engine. Made by `load`; close it, or use it in a `with` block.

    Safe to use from several threads: calls take turns. With a seed, what a call returns does not depend on the others;
    without one, the calls share the samples of the generator's own seed among them, none twice. For threads that
    run at the same time, load the bundle once for each.
    """

    def __init__(self, bundle: Bundle, session: Session, choice: Choice) -> None:
        self.bundle = bundle
        self.choice = choice
        """Which engine and variant it runs, and why."""
        self._session: Session | None = session
        self._lock = threading.Lock()
        description = session.describe()
        manifest = bundle.manifest
        self.source = Source(
            bundle=f"{manifest.name} {manifest.version}",
            bundle_digest=bundle.digest,
            precision=choice.variant.precision,
            variant=choice.variant.name,
            backend=f"{description.backend} {description.version}",
            noise_algorithm=manifest.noise_algorithm,
            schema=manifest.data,
        )
        self.batch_size = fastest_batch_size(manifest.data.shape)
        """Samples of one graph call where many are made."""
        self._last_feed: Feed | None = None
        self._own_seed: int | None = None
        self._own_next = 0

    def generate(
        self,
        n: int = 1,
        *,
        condition: Mapping[str, ConditionValue] | None = None,
        seed: int | None = None,
        first: int | None = None,
        on_violation: OnViolation | None = None,
    ) -> Batch:
        """Generate `n` samples at once; use `iterate` for more than fit into memory.

        Args:
            n: How many; 1 or more.
            condition: Conditions to hold fixed, e.g. `{"beat_class": "V"}`. Those left out are drawn for each
                sample, uniformly from their domain. None: all are drawn.
            seed: 0 to 2**64 - 1. None: a seed is drawn once for this generator, and each call goes on where
                the last one ended; `Batch.seed` and `Batch.first` tell how to make the same samples again.
            first: Index of the first sample. None: 0 if a seed is given, else where the last call ended.
            on_violation: What becomes of samples that break a rule of the bundle (`Batch.violations` names them):
                `report` keeps them, `resample` draws them anew, from other noise under the same conditions, `fail`
                ends with an error. None: samples are not checked.

        Raises:
            RequestError: A number or a condition makes no sense; the message says which are possible.
            GateError: A sample breaks a rule, with `fail`; or still does after many redraws, with `resample`.
        """
        choice = checked_choice(on_violation)
        fixed = check_request(self.source.schema, condition) if condition else {}
        with self._lock:
            n, place, start = self._place(n, seed, first)
            feed = self._last_feed
            if feed is None or feed.seed != place or feed.fixed != fixed:
                feed = self._last_feed = self._feed(place, fixed)
            if n <= self.batch_size:
                batch = self._run_locked(feed, start, feed.take(start, n))
            else:
                batch = self._run_in_parts(feed, start, n)
            if choice is not None:
                batch = self._guarded(batch, feed, choice)
            if seed is None:
                self._own_next = start + n
            return batch

    def iterate(
        self,
        n: int,
        *,
        batch_size: int | None = None,
        condition: Mapping[str, ConditionValue] | None = None,
        seed: int | None = None,
        first: int | None = None,
        on_violation: OnViolation | None = None,
    ) -> Iterator[Batch]:
        """Generate `n` samples in batches of `batch_size` (None: the fastest), in constant memory.

        Other arguments and errors as in `generate`.
        """
        if batch_size is not None and (batch_size := _whole("batch_size", batch_size)) < 1:
            raise RequestError(f"batch_size must be 1 or more, not {batch_size}")
        series = self.series(n, condition=condition, seed=seed, first=first, on_violation=on_violation)
        return series.batches(batch_size)

    def series(
        self,
        n: int,
        *,
        condition: Mapping[str, ConditionValue] | None = None,
        seed: int | None = None,
        first: int | None = None,
        on_violation: OnViolation | None = None,
    ) -> Series:
        """Fix which samples to make, without making them. Arguments and errors as in `generate`."""
        choice = checked_choice(on_violation)
        fixed = check_request(self.source.schema, condition) if condition else {}
        with self._lock:
            self._open_session()
            n, place, start = self._place(n, seed, first)
            if seed is None:
                self._own_next = start + n
        return Series(self, n, place, start, fixed, choice)

    def describe(self) -> dict[str, Any]:
        """What really runs, read back from the engine, what it was chosen from, and what the bundle is.

        Plain JSON values: `bundle`, `bundle_sha256`, `variant`, those of `Description` (`backend`, `version`, `device`,
        `precision` the engine computes in, `threads`, `details`), and `choice`, as `Choice.to_json` gives it.
        """
        with self._lock:
            running = self._open_session().describe().to_json()
        return {
            "bundle": self.source.bundle,
            "bundle_sha256": self.source.bundle_digest,
            "variant": self.source.variant,
            **running,
            "choice": self.choice.to_json(),
        }

    def close(self) -> None:
        """Give the engine's memory back; the generator cannot be used afterwards."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _place(self, n: int, seed: int | None, first: int | None) -> tuple[int, int, int]:
        """How many of which seed from which index on, checked."""
        n, usual = _whole("n", n), 0
        if n < 1:
            raise RequestError(f"n must be 1 or more, not {n}")
        if seed is None:
            if self._own_seed is None:
                self._own_seed = secrets.randbits(_DRAWN_SEED_BITS)
            seed, usual = self._own_seed, self._own_next
        elif not 0 <= (seed := _whole("seed", seed)) <= MAX_SEED:
            raise RequestError(f"seed must be from 0 to 2**64 - 1, not {seed}")
        first = usual if first is None else _whole("first", first)
        if first < 0 or first + n > _MAX_INDEX:
            raise RequestError(f"sample indices must be from 0 to 2**63 - 1, not {first} to {first + n - 1}")
        return n, seed, first

    def _feed(self, seed: int, fixed: Mapping[str, float]) -> Feed:
        return Feed(seed, self.bundle.manifest.noise_shape, self.source.schema.conditions, fixed)

    def _open_session(self) -> Session:
        if self._session is None:
            raise RequestError("this generator is closed; load the bundle again")
        return self._session

    def _run(self, feed: Feed, first: int, inputs: GraphInputs, on_violation: OnViolation | None) -> Batch:
        with self._lock:
            batch = self._run_locked(feed, first, inputs)
            return batch if on_violation is None else self._guarded(batch, feed, on_violation)

    def _run_locked(self, feed: Feed, first: int, inputs: GraphInputs) -> Batch:
        noise, condition, columns = inputs
        (samples,) = self._open_session().run((noise, condition))
        return Batch(samples, columns, feed.seed, first, self.source)

    def _run_in_parts(self, feed: Feed, first: int, n: int) -> Batch:
        session = self._open_session()
        try:
            samples = np.empty((n, *self.source.schema.shape), dtype=np.float32)
        except (MemoryError, ValueError):  # the second where even the address space is too small
            raise RequestError(f"{n} samples do not fit into memory; use iterate(), or write them to a file") from None
        parts: list[ConditionColumns] = []
        for part, (noise, condition, columns) in enumerate(feed.portions(first, n, self.batch_size)):
            start = part * self.batch_size
            session.run((noise, condition), (samples[start : start + len(noise)],))
            parts.append(columns)
        together = {name: np.concatenate([columns[name] for columns in parts]) for name in parts[0]}
        return Batch(samples, together, feed.seed, first, self.source)

    @functools.cached_property
    def _checker(self) -> Checker:
        return Checker(self.source.schema)

    def _guarded(self, batch: Batch, feed: Feed, on_violation: OnViolation) -> Batch:
        def redraw(places: npt.NDArray[np.intp], number: int) -> npt.NDArray[np.float32]:
            parts = np.split(places, range(self.batch_size, len(places), self.batch_size))
            return np.concatenate([self._drawn_anew(batch, feed, part, number) for part in parts])

        return guarded(batch, self._checker, on_violation, redraw)

    def _drawn_anew(
        self, batch: Batch, feed: Feed, places: npt.NDArray[np.intp], number: int
    ) -> npt.NDArray[np.float32]:
        columns = {name: values[places] for name, values in batch.columns.items()}
        noise, condition, _ = feed.drawn_anew((batch.first + places).tolist(), columns, number)
        (samples,) = self._open_session().run((noise, condition))
        return samples
