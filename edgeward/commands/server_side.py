"""What the server-side commands share: their libraries come with extras, and their data from one place."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..runtime.errors import BackendError
from .terminal import Progress

if TYPE_CHECKING:
    from ..training.datasets.dataset import Dataset

_EXTRAS = {
    "torch": "train",
    "wfdb": "train",
    "scipy": "train",
    "opacus": "train",
    "onnx": "compress",
    "jinja2": "report",
}


def server_side(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a missing library into an error that says which extra brings it."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ModuleNotFoundError as error:
            name = (error.name or "").partition(".")[0]
            if name in ("", "edgeward"):
                raise
            extra = _EXTRAS.get(name, "compress")
            raise BackendError(
                f"this command needs {name}, which the thin install leaves out; "
                f"install it with: pip install 'edgeward[{extra}]'"
            ) from error

    return wrapped


def load_data(kind: str, data: str, classes: str | None, seed: int) -> Dataset:
    """Load data of this kind as `--data` and `--classes` name it, with progress."""
    from ..training.datasets import load_dataset

    progress = Progress("Reading data")
    return load_dataset(
        kind,
        data,
        classes=[name.strip() for name in classes.split(",")] if classes else None,
        seed=seed,
        on_progress=progress,
    )
