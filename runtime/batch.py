"""What generation gives: samples that carry their own meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .condition import ConditionColumns, readable_columns
from .errors import RequestError
from .provenance import MARK, STATEMENT, edgeward_version
from .schema import Channel, Schema, SignalSchema, TableSchema
from .violations import Violations

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Source:
    """Which generator, in which form, on which engine: the part of the provenance that batches share."""

    bundle: str
    """Name and version of the bundle."""
    bundle_digest: str
    """SHA-256 of its manifest."""
    precision: str
    variant: str
    """The form of this precision that ran, e.g. `int8-openvino`."""
    backend: str
    """Engine and its version, e.g. `onnxruntime 1.32.0`."""
    noise_algorithm: str
    schema: Schema


@dataclass(frozen=True)
class Batch:
    """Consecutive samples of one seed. They are synthetic; no sample is of a patient."""

    samples: npt.NDArray[np.float32]
    """Signals [n, channels, length] in the channels' units, images [n, channels, height, width] from 0 to 1, or table
    rows [n, columns] with a category as its index; NaN where an entry is missing."""
    columns: ConditionColumns
    """Per condition [n]: the class's index, or the number in its unit; see `conditions` for readable values. Not to be
    written to: batches may share them."""
    seed: int
    first: int
    """Index of the first sample: sample i of a seed is the same in every batch."""
    source: Source
    violations: Violations | None = None
    """Which samples break a rule of the schema; None: it was not asked for."""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def schema(self) -> Schema:
        """What the samples are: channels or columns with their units, ranges and names."""
        return self.source.schema

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Names, units and ranges of a signal's channels, in the order of the samples' second axis.

        Raises:
            RequestError: The samples are no signals.
        """
        return self._signal().channels

    @property
    def sampling_rate_hz(self) -> float:
        """Samples a second, of every channel of a signal.

        Raises:
            RequestError: The samples are no signals.
        """
        return self._signal().sampling_rate_hz

    @property
    def table(self) -> dict[str, list[str]]:
        """Rows as people read them, by column: category names, numbers as text, '' where missing.

        Raises:
            RequestError: The samples are no table rows.
        """
        schema = self.source.schema
        if not isinstance(schema, TableSchema):
            raise RequestError(f"{schema.name} are no table rows; see Batch.samples")
        return schema.readable(self.samples)

    def _signal(self) -> SignalSchema:
        schema = self.source.schema
        if not isinstance(schema, SignalSchema):
            raise RequestError(f"{schema.name} are no signals; see Batch.schema")
        return schema

    @property
    def conditions(self) -> Mapping[str, npt.NDArray[np.str_] | npt.NDArray[np.float64]]:
        """Per condition [n]: class names, or numbers in the condition's unit."""
        return readable_columns(self.source.schema.conditions, self.columns)

    @property
    def units(self) -> dict[str, str]:
        """UCUM unit by name of every channel, column and condition that has one."""
        from .frames import units

        return units(self.source.schema)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where these samples come from, with the synthetic mark; plain JSON values."""
        return make_provenance(self.source, self.seed, self.first, len(self)) | told_of(self.violations)

    def to_dataframe(self) -> pandas.DataFrame:
        """The samples as pandas holds them.

        Of a table a row a sample: categories by name, whole numbers as integers, `NA` where missing. Of a signal a row
        for each sample and point in time, indexed by `index` and `time_s`, a column a channel. Then a column for each
        condition, and `synthetic`. `attrs` holds `synthetic`, `units` and `provenance`.

        Raises:
            RequestError: They are images, or two columns would have the same name.
            BackendError: pandas is not installed; the message gives the command.
        """
        from .frames import dataframe

        return dataframe(self.schema, self.samples, self.conditions, self.provenance)

    def to_xarray(self) -> xarray.Dataset:
        """The samples as xarray holds them.

        A variable for each channel [sample, time] or column [sample], of images one `image` [sample, channel, y, x],
        with `units`; coordinates `sample` (its index), `time` in seconds, and each condition [sample]. `attrs` holds
        `synthetic` and `statement`, and as JSON `provenance` and `schema`.

        Raises:
            RequestError: Two variables would have the same name.
            BackendError: xarray is not installed; the message gives the command.
        """
        from .frames import dataset

        return dataset(self.schema, self.samples, self.conditions, self.provenance)

    def plot(self) -> Figure:
        """Draw the first samples: signals as traces (ECG on its paper), images as a sheet, tables as histograms.

        The picture says that they are synthetic and where they come from. It is a matplotlib `Figure` of its own:
        `batch.plot().savefig("beats.png")`.

        Raises:
            BackendError: matplotlib is not installed; the message gives the command.
        """
        from .plot import draw

        return draw(self.schema, self.samples, self.conditions, self.provenance)


def told_of(violations: Violations | None) -> dict[str, Any]:
    """What provenance says of the guard; nothing where it was not asked for."""
    if violations is None:
        return {}
    return {"on_violation": violations.on_violation, "violations": violations.tally.to_json()}


def make_provenance(source: Source, seed: int, first: int, n: int) -> dict[str, Any]:
    """The provenance of samples `first` to `first + n - 1` of a seed."""
    return {
        "synthetic": MARK,
        "statement": STATEMENT,
        "software": f"edgeward {edgeward_version()}",
        "bundle": source.bundle,
        "bundle_sha256": source.bundle_digest,
        "precision": source.precision,
        "variant": source.variant,
        "backend": source.backend,
        "noise": source.noise_algorithm,
        "seed": seed,
        "first": first,
        "n": n,
    }
