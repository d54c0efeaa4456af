"""What the tests of recorded data share: a writer of small WFDB records, by the `wfdb` package."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import wfdb

WriteRecord = Callable[..., None]


def write_wfdb(
    folder: Path,
    name: str,
    signals: Mapping[str, npt.NDArray[np.float64]],
    *,
    fs: float,
    units: Sequence[str],
    fmt: str = "16",
    gain: float = 200.0,
    comments: Sequence[str] = (),
) -> None:
    """Signals by name, each [samples] in its unit, NaN where invalid."""
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=fs,
        units=list(units),
        sig_name=list(signals),
        p_signal=np.stack(list(signals.values()), axis=1),
        fmt=[fmt] * len(signals),
        adc_gain=[gain] * len(signals),
        baseline=[0] * len(signals),
        comments=list(comments),
        write_dir=str(folder),
    )


@pytest.fixture(scope="session")
def write_record() -> WriteRecord:
    return write_wfdb
