"""A bundle as a subject: `generate` as users call it, its stages one by one, and the engine alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.backends import Options, Session
from ...runtime.backends.onnxruntime import OnnxRuntimeSession, inference_session
from ...runtime.backends.openvino import OpenVinoSession, StaticRequest
from ...runtime.batch import Batch
from ...runtime.bundle import Bundle, open_bundle
from ...runtime.errors import RequestError
from ...runtime.feed import Feed
from ...runtime.generator import load
from ...runtime.golden import read_golden, relative_error, tolerance_here
from ...runtime.manifest import Variant
from ...runtime.opening import open_variant
from .subject import FloatArray, Parity, Subject, Work

IntArray = npt.NDArray[np.int64]

_SEED = 1
_INPUTS = 64

STAGES = ("noise", "infer", "post", "encode", "encode_json")
"""Drawing noise and conditions; the engine, which binds its inputs and outputs itself; the batch with what it carries;
the samples as bytes; and as JSON instead."""


class GenerateWork:
    """`Generator.generate`, as users call it."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._bundle = open_bundle(subject.bundle)
        self._variant = self._bundle.manifest.variant(subject.precision, subject.backend)
        self._generator = load(
            self._bundle,
            backend=subject.backend,
            precision=subject.precision,
            threads=subject.threads,
            device=subject.device,
        )
        self.described: Mapping[str, Any] = self._generator.describe()

    def call(self, batch: int) -> Callable[[int], object]:
        """Records `number * batch` and those after it of one seed."""
        generate = self._generator.generate
        return lambda number: generate(batch, seed=_SEED, first=number * batch)

    def parity(self, *, at_once: bool) -> Parity:
        """The golden records, one a call or all in one."""
        golden = read_golden(self._bundle, self._variant.name)
        seed, n = self._bundle.manifest.golden_seed, len(golden)
        made = [
            self._generator.generate(n if at_once else 1, seed=seed, first=first).samples
            for first in ([0] if at_once else range(n))
        ]
        return _parity(np.concatenate(made), golden, self._variant)

    def stages(self, first: int, calls: int) -> dict[str, IntArray]:
        """See `STAGES`; on a session of its own, as a generator does not show its own."""
        manifest, source = self._bundle.manifest, self._generator.source
        feed = Feed(_SEED, manifest.noise_shape, manifest.data.conditions, {})
        clock, marks = time.perf_counter_ns, np.zeros((calls, len(STAGES) + 1), np.int64)
        options = Options(threads=self._subject.threads, device=self._subject.device)
        with open_variant(self._bundle, self._subject.backend, self._variant, options) as session:
            # Those below nothing warm the session up, and are overwritten; they take no longer than what is timed.
            warm_up_calls = min(_INPUTS, calls)
            for number in range(-warm_up_calls, calls):
                index = first + warm_up_calls + number
                row = marks[max(number, 0)]
                row[0] = clock()
                noise, condition, columns = feed.take(index, 1)
                row[1] = clock()
                (samples,) = session.run((noise, condition))
                row[2] = clock()
                batch = Batch(samples, columns, _SEED, index, source)
                row[3] = clock()
                batch.samples.tobytes()
                row[4] = clock()
                json.dumps(batch.samples.tolist())
                row[5] = clock()
        return dict(zip(STAGES, np.diff(marks, axis=1).T, strict=True))


class _BareWork:
    """A loop over the engine's own call, as it is usually made, with inputs made beforehand."""

    def __init__(self, subject: Subject) -> None:
        self._bundle = open_bundle(subject.bundle)
        self._variant = self._bundle.manifest.variant(subject.precision, subject.backend)
        self._options = Options(threads=subject.threads, device=subject.device)

    def _described(self, session: Session) -> dict[str, Any]:
        return {**session.describe().to_json(), "variant": self._variant.name}

    def _feeds(self, seed: int, calls: int, batch: int) -> list[dict[str, FloatArray]]:
        manifest = self._bundle.manifest
        inputs = Feed(seed, manifest.noise_shape, manifest.data.conditions, {}).take(0, calls * batch)
        return [
            {"noise": inputs.noise[i : i + batch].copy(), "condition": inputs.condition[i : i + batch].copy()}
            for i in range(0, calls * batch, batch)
        ]

    def parity(self, *, at_once: bool) -> Parity:
        """The golden records, one a call or all in one."""
        golden = read_golden(self._bundle, self._variant.name)
        calls, batch = (1, len(golden)) if at_once else (len(golden), 1)
        feeds = self._feeds(self._bundle.manifest.golden_seed, calls, batch)
        return _parity(np.concatenate([self._run(feed) for feed in feeds]), golden, self._variant)

    def _run(self, feed: Mapping[str, FloatArray]) -> FloatArray:
        raise NotImplementedError

    def stages(self, first: int, calls: int) -> None:  # noqa: ARG002 - a session has no stages
        """It has one."""
        return


class _BareOnnxRuntime(_BareWork):
    """`InferenceSession.run`."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._session = inference_session(self._bundle.read(self._variant.file), self._options)
        self.described: Mapping[str, Any] = self._described(OnnxRuntimeSession(self._session))

    def call(self, batch: int) -> Callable[[int], object]:
        """One of 64 prepared inputs."""
        feeds = self._feeds(_SEED, _INPUTS, batch)
        run = self._session.run
        return lambda number: run(["sample"], feeds[number % _INPUTS])

    def _run(self, feed: Mapping[str, FloatArray]) -> FloatArray:
        (sample,) = self._session.run(["sample"], feed)
        return np.asarray(sample)


class _BareOpenVino(_BareWork):
    """`InferRequest.infer` on tensors that are filled once, as the engine's `benchmark_app` does it."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        session = open_variant(self._bundle, subject.backend, self._variant, self._options)
        assert isinstance(session, OpenVinoSession)  # noqa: S101 - it is this engine's
        self._session = session
        self.described: Mapping[str, Any] = self._described(session)

    def call(self, batch: int) -> Callable[[int], object]:
        """Always the same inputs: filling the tensors is what this leaves out."""
        (feed,) = self._feeds(_SEED, 1, batch)
        infer = self._filled(feed).request.infer
        return lambda _: infer(share_outputs=True)

    def _filled(self, feed: Mapping[str, FloatArray]) -> StaticRequest:
        static = self._session.static_request(len(feed["noise"]))
        for name, tensor in zip(self._session.input_shapes, static.inputs, strict=True):
            tensor[...] = feed[name]
        return static

    def _run(self, feed: Mapping[str, FloatArray]) -> FloatArray:
        static = self._filled(feed)
        static.request.infer(share_outputs=True)
        return static.outputs[0].copy()


_BARE: Mapping[str, Callable[[Subject], Work]] = {"onnxruntime": _BareOnnxRuntime, "openvino": _BareOpenVino}

BARE_ENGINES = tuple(_BARE)
"""Those that there is a bare loop over."""


def bare_work(subject: Subject) -> Work:
    """A loop over the engine's own call with inputs made beforehand.

    Raises:
        RequestError: There is none over this engine.
    """
    if subject.backend not in _BARE:
        raise RequestError(f"there is no bare loop over {subject.backend}, only over {' and '.join(_BARE)}")
    return _BARE[subject.backend](subject)


def _parity(made: FloatArray, golden: FloatArray, variant: Variant) -> Parity:
    return Parity(relative_error(made, golden), tolerance_here(variant))


def bundle_facts(bundle: Bundle) -> dict[str, Any]:
    """What a report says of a bundle; plain JSON values."""
    manifest = bundle.manifest
    return {
        "path": bundle.path.name,
        "name": manifest.name,
        "version": manifest.version,
        "sha256": bundle.digest,
        "bytes": bundle.size,
        "makes": manifest.data.describe(),
        "variants": {v.name: sum(manifest.files[file].size for file in v.files) for v in manifest.variants},
    }
