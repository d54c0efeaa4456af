"""Which classes of a label are kept, and a split with these alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...runtime.errors import RequestError
from ...runtime.schema import ClassCondition
from .dataset import Split


def chosen_values(label: ClassCondition, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The classes to keep, in the label's order; `None` keeps all.

    Raises:
        RequestError: A class is unknown, or none is asked for.
    """
    names = label.values if wanted is None else wanted
    unknown = [name for name in names if name not in label.values]
    if unknown or not names:
        asked = f"there is no {label.name} {unknown[0]!r}" if unknown else f"no {label.name} is asked for"
        raise RequestError(f"{asked}; give some of {','.join(label.values)}")
    return tuple(name for name in label.values if name in names)


def narrowed(condition: ClassCondition, chosen: Sequence[str]) -> ClassCondition:
    """The condition with the chosen of its values only, in the order chosen."""
    meanings = dict(zip(condition.values, condition.meanings, strict=True))
    return replace(condition, values=tuple(chosen), meanings=tuple(meanings[name] for name in chosen), shares=())


def keep_classes(split: Split, label: ClassCondition, chosen: Sequence[str]) -> Split:
    """The samples whose class is among the chosen, their column holding the index in `chosen`."""
    index = np.array([chosen.index(name) if name in chosen else -1 for name in label.values])
    found = index[split.columns[label.name].astype(np.intp)]
    keep = found >= 0
    columns = {name: column[keep] for name, column in split.columns.items()}
    return Split(
        samples=split.samples[keep],
        columns=columns | {label.name: found[keep].astype(np.float64)},
        patients=split.patients[keep],
        attributes={name: attribute[keep] for name, attribute in split.attributes.items()},
    )
