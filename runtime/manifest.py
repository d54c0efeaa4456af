"""The manifest of a bundle: what it makes, of which files it consists, where it comes from.

Reads and writes `manifest.json`. Files themselves are the business of `bundle.py`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeVar

from .errors import BundleError, RequestError
from .json_fields import Fields, parse_json
from .noise import ALGORITHM, MAX_SEED
from .schema import Schema, schema_from_json

SCHEMA_VERSION = 4
"""Raised whenever a field is added, removed or changes its meaning; a runtime refuses what is newer."""

_ENGINES_SINCE, _RULES_SINCE = 3, 4

_T = TypeVar("_T")

MANIFEST_NAME = "manifest.json"
GOLDEN_NAME = "golden.npz"
CARD_NAME = "CARD.md"
SIGNATURE_NAME = "signature"
"""The one file beside the manifest that the manifest does not list, as it is made of the manifest."""

MAX_NOISE_SIZE = 2**24
MAX_FILE_BYTES = 2**31
ANY_ENGINE = "any"
REFERENCE_ENGINE = "onnxruntime"
ENGINES = (REFERENCE_ENGINE, "openvino", "tensorrt")
"""Engines a variant may be meant for; one for `any` is a graph that all of them take, or refuse in their own words."""
_BUILT_ON = {"tensorrt-rtx": "tensorrt"}
"""Backends that take the variants of another engine."""

_SAFE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, whatever its ending and folder."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def engine_of(backend: str) -> str:
    """The engine whose variants a backend is given."""
    return _BUILT_ON.get(backend, backend)


def given_to(backend: str, forms: Iterable[_T], made_for: Callable[[_T], tuple[str, str]]) -> list[_T]:
    """Of several forms of a generator those that a backend is given: one for each precision there is for it.

    Args:
        backend: An engine, or a backend that takes another engine's.
        forms: To choose from, in their order.
        made_for: Precision and engine of a form.
    """
    engine, kinds = engine_of(backend), [(form, *made_for(form)) for form in forms]
    own = {precision for _, precision, meant in kinds if meant == engine}
    return [
        form for form, precision, meant in kinds if meant == engine or (meant == ANY_ENGINE and precision not in own)
    ]


class NewerBundleError(BundleError):
    """The bundle is of a version of the format that this runtime does not know yet; it may be whole."""


@dataclass(frozen=True)
class FileEntry:
    """Size and hash of one file of the bundle."""

    sha256: str
    size: int
    """In bytes."""


@dataclass(frozen=True)
class Variant:
    """One form of the same generator: the graph in one precision, for one engine or for all."""

    precision: str
    """`fp32`, `int8`, …: what a user asks for by name."""
    file: str
    """Path of the ONNX graph inside the bundle, or of an OpenVINO IR's description (.xml)."""
    parameters: int
    multiply_adds: int
    """Multiply-accumulate operations for one sample."""
    tolerance: Mapping[str, float]
    """By CPU class (or `default`): largest relative error of the golden outputs that still counts as right."""

    engine: str = ANY_ENGINE
    """For which of `ENGINES` it was made, or `any`."""
    weights: str | None = None
    """Path of an OpenVINO IR's weights (.bin); None for ONNX, which is one file."""

    @property
    def name(self) -> str:
        """What it is called in provenance, golden samples and evidence, such as `int8` or `int8-openvino`."""
        return self.precision if self.engine == ANY_ENGINE else f"{self.precision}-{self.engine}"

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all its files."""
        return (self.file,) if self.weights is None else (self.file, self.weights)

    def tolerance_for(self, cpu_class: str) -> float:
        """The tolerance that holds on machines of this class."""
        return self.tolerance.get(cpu_class, self.tolerance["default"])


@dataclass(frozen=True)
class Manifest:
    """Everything a runtime needs to know of a bundle before it opens an engine."""

    name: str
    version: str
    data: Schema
    noise_shape: tuple[int, ...]
    noise_algorithm: str
    variants: tuple[Variant, ...]
    default_precision: str
    """Used when none is asked for: the fastest that passed, on the machine that made the bundle and on onnxruntime."""
    golden_seed: int
    files: Mapping[str, FileEntry]
    """Every file of the bundle but the manifest itself."""
    lineage: Mapping[str, Any]
    """Data, teacher, recipe, steps with what each cost. For people and auditors; no runtime acts on it."""
    licence: str
    attribution: str
    intended_use: tuple[str, ...]
    forbidden_use: tuple[str, ...]
    default_precision_on: Mapping[str, str] = field(default_factory=dict)
    """By engine, where another precision than `default_precision` was the fastest on it."""

    def variant(self, precision: str | None, engine: str = REFERENCE_ENGINE) -> Variant:
        """The variant of this precision that an engine is given: its own if there is one, else the general one.

        Args:
            precision: E.g. `int8`. None: the default on this engine, or the first where there is none of it.
            engine: One of `ENGINES`, or another backend, which is given what its engine is.

        Raises:
            RequestError: There is no such variant.
        """
        wanted = precision or self.default_precision_on.get(engine_of(engine), self.default_precision)
        offered = self.variants_for(engine)
        for variant in offered:
            if variant.precision == wanted:
                return variant
        if precision is None and offered:  # the general default may be meant for other engines only
            return offered[0]
        names = ", ".join(variant.precision for variant in offered)
        raise RequestError(f"bundle {self.name!r} has no {wanted!r} variant for {engine}; it has {names or 'none'}")

    def variants_for(self, engine: str) -> tuple[Variant, ...]:
        """What an engine or backend is given: one variant for each precision there is for it."""
        return tuple(given_to(engine, self.variants, lambda variant: (variant.precision, variant.engine)))

    def to_bytes(self) -> bytes:
        """The file's content: UTF-8 JSON ending in a newline; the same manifest gives the same bytes."""
        value = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "version": self.version,
            "synthetic_data_only": True,
            "data": self.data.to_json(),
            "noise": {"shape": list(self.noise_shape), "algorithm": self.noise_algorithm},
            "variants": [
                {
                    "precision": variant.precision,
                    "engine": variant.engine,
                    "file": variant.file,
                    **({} if variant.weights is None else {"weights": variant.weights}),
                    "parameters": variant.parameters,
                    "multiply_adds": variant.multiply_adds,
                    "tolerance": dict(variant.tolerance),
                }
                for variant in self.variants
            ],
            "default_precision": self.default_precision,
            "default_precision_on": dict(self.default_precision_on),
            "golden_seed": self.golden_seed,
            "files": {
                path: {"sha256": entry.sha256, "bytes": entry.size} for path, entry in sorted(self.files.items())
            },
            "lineage": dict(self.lineage),
            "licence": self.licence,
            "attribution": self.attribution,
            "intended_use": list(self.intended_use),
            "forbidden_use": list(self.forbidden_use),
        }
        return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def manifest_from_bytes(data: bytes) -> Manifest:
    """Read an untrusted manifest.

    Raises:
        BundleError: It is no valid manifest.
        NewerBundleError: It is one for a newer runtime.
    """
    fields = Fields(parse_json(data, MANIFEST_NAME), MANIFEST_NAME)
    version = fields.integer("schema_version", minimum=1)
    if version > SCHEMA_VERSION:
        raise NewerBundleError(
            f"this bundle has schema version {version}, and this runtime knows versions up to "
            f"{SCHEMA_VERSION}; update it with: pip install --upgrade edgeward"
        )
    if fields.anything("synthetic_data_only") is not True:
        raise BundleError(f"{MANIFEST_NAME}: 'synthetic_data_only' must be true; nothing else may be run")
    noise = fields.fields("noise")
    manifest = Manifest(
        name=_word(fields, "name"),
        version=_word(fields, "version"),
        data=schema_from_json(fields.anything("data"), f"{MANIFEST_NAME}: data"),
        noise_shape=noise.integers("shape", minimum=1, maximum=MAX_NOISE_SIZE),
        noise_algorithm=noise.text("algorithm"),
        variants=tuple(_variant(variant, version) for variant in fields.objects("variants")),
        default_precision=fields.text("default_precision"),
        default_precision_on=_texts_by_name(fields.fields("default_precision_on")) if version >= _ENGINES_SINCE else {},
        golden_seed=fields.integer("golden_seed", maximum=MAX_SEED),
        files={path: _file_entry(path, entry) for path, entry in fields.named("files").items()},
        lineage=_object(fields.anything("lineage"), "lineage"),
        licence=fields.text("licence"),
        attribution=fields.text("attribution"),
        intended_use=fields.texts("intended_use"),
        forbidden_use=fields.texts("forbidden_use"),
    )
    noise.end()
    fields.end()
    if manifest.data.rules and version < _RULES_SINCE:
        raise BundleError(f"{MANIFEST_NAME}: data has rules, which came with schema version {_RULES_SINCE}")
    _check_whole(manifest)
    return manifest


def _word(fields: Fields, name: str) -> str:
    """A text that is told in the middle of others, on terminals too."""
    text = fields.text(name)
    if not text.isprintable():
        raise BundleError(f"{fields.where}: {name!r} holds characters that cannot be shown")
    return text


def _texts_by_name(fields: Fields) -> dict[str, str]:
    return {name: fields.text(name) for name in fields.names()}


def _variant(fields: Fields, version: int) -> Variant:
    tolerances = fields.fields("tolerance")
    variant = Variant(
        precision=_word(fields, "precision"),
        file=fields.text("file"),
        parameters=fields.integer("parameters"),
        multiply_adds=fields.integer("multiply_adds"),
        tolerance={name: tolerances.number(name) for name in tolerances.names()},
        engine=fields.text("engine") if version >= _ENGINES_SINCE else ANY_ENGINE,
        weights=fields.text("weights") if version >= _ENGINES_SINCE and "weights" in fields.names() else None,
    )
    if variant.engine not in (ANY_ENGINE, *ENGINES):
        raise BundleError(f"{fields.where}: engine {variant.engine!r} is none of {', '.join((ANY_ENGINE, *ENGINES))}")
    if variant.weights is not None and variant.engine != "openvino":
        raise BundleError(f"{fields.where}: only a variant for openvino may keep its weights in another file")
    if "default" not in variant.tolerance:
        raise BundleError(f"{fields.where}: tolerance needs a 'default'")
    if not all(tolerance > 0 for tolerance in variant.tolerance.values()):
        raise BundleError(f"{fields.where}: a tolerance must be positive")
    fields.end()
    return variant


def is_safe_path(path: str) -> bool:
    """Whether a path stays inside its folder and means the same file on every system."""
    parts = path.split("/")
    odd = any(part.endswith(".") or _DEVICE.fullmatch(part) for part in parts)
    return bool(_SAFE_PATH.fullmatch(path)) and len(path) <= 200 and not odd


def _file_entry(path: str, fields: Fields) -> FileEntry:
    if not is_safe_path(path):
        raise BundleError(f"{MANIFEST_NAME}: {path!r} is not a plain path inside the bundle")
    entry = FileEntry(sha256=fields.text("sha256"), size=fields.integer("bytes", maximum=MAX_FILE_BYTES))
    if not _SHA256.fullmatch(entry.sha256):
        raise BundleError(f"{fields.where}: 'sha256' must be 64 hexadecimal digits")
    fields.end()
    return entry


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BundleError(f"{MANIFEST_NAME}: {name!r} must be a JSON object")
    return value


def _check_whole(manifest: Manifest) -> None:
    """Checks that span several fields."""
    if manifest.noise_algorithm != ALGORITHM:
        raise BundleError(
            f"this bundle wants the noise {manifest.noise_algorithm!r}, this runtime makes {ALGORITHM!r}; "
            "update it with: pip install --upgrade edgeward"
        )
    if not manifest.noise_shape or math.prod(manifest.noise_shape) > MAX_NOISE_SIZE:
        raise BundleError(f"{MANIFEST_NAME}: the noise must have 1 to {MAX_NOISE_SIZE} numbers a sample")
    names = [variant.name for variant in manifest.variants]
    if not names or len(set(names)) != len(names):
        raise BundleError(f"{MANIFEST_NAME}: variants must be at least one, each of another precision or engine")
    for engine, precision in [(REFERENCE_ENGINE, manifest.default_precision), *manifest.default_precision_on.items()]:
        if engine not in ENGINES or precision not in {variant.precision for variant in manifest.variants_for(engine)}:
            raise BundleError(f"{MANIFEST_NAME}: default_precision {precision!r} is no variant for {engine}")
    for needed in (GOLDEN_NAME, *(file for variant in manifest.variants for file in variant.files)):
        if needed not in manifest.files:
            raise BundleError(f"{MANIFEST_NAME}: {needed!r} is used but not listed under 'files'")
    for name in (MANIFEST_NAME, SIGNATURE_NAME):
        if name in manifest.files:
            raise BundleError(f"{MANIFEST_NAME} cannot list {name}: its own hash, or what is made of it")
    _check_places(manifest.files)


def _check_places(paths: Iterable[str]) -> None:
    """No path is another's folder, and none is another's but for capitals, which many disks take for the same."""
    files: dict[str, str] = {name: name for name in (MANIFEST_NAME, SIGNATURE_NAME)}
    for path in paths:
        other = files.setdefault(path.lower(), path)
        if other != path:
            raise BundleError(f"{MANIFEST_NAME}: {path!r} and {other!r} would be the same file on many disks")
    for path in files:
        for parent in PurePosixPath(path).parents:
            if str(parent) in files:
                raise BundleError(
                    f"{MANIFEST_NAME}: {files[str(parent)]!r} is a file, and the folder of {files[path]!r}"
                )
