"""Whether a generated table's columns are distributed, hang together and keep to rules as the real ones do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ....runtime.plausibility import Checker
from ....runtime.schema import CategoryColumn, Column, TableSchema
from ..figure import Figure, FloatArray, PatientBootstrap, interval, omitted
from ..records import Records
from .associations import Associations
from .distributions import Mask, Observed, rate_figure, share_excess, widest_choice, widest_gap

COLUMN_SHAPE = "column_shape"
"""Name of the mean over the columns."""
_ASSOCIATION_DRAWS = 200
_RARE = 0.01
"""Share of the real rows below which a category may well not occur."""
_NAMED = 12
"""Most categories that a note names."""


def column_shapes(real: Records, synthetic: Records, schema: TableSchema) -> dict[str, Figure]:
    """Per column 1 minus a distance of the distributions, 1 at best; and their mean as `COLUMN_SHAPE`.

    The distance is the Kolmogorov-Smirnov statistic of a number and the total variation distance of a category.
    A missing entry counts as a value of its own, past the largest: a column that lacks other shares of its
    entries is a different column.
    """
    names = [column.name for column in schema.columns]
    if not len(real) or not len(synthetic):
        return {name: omitted("there is no record", len(real)) for name in (*names, COLUMN_SHAPE)}
    events = [_widest(real.values[:, k], synthetic.values[:, k], column) for k, column in enumerate(schema.columns)]
    happened = np.stack([here for here, _ in events], axis=1)
    synthetic_happened = np.stack([there for _, there in events], axis=1)
    distances, drawn = share_excess(
        Observed(happened, np.ones_like(happened), real.patients),
        Observed(synthetic_happened, np.ones_like(synthetic_happened), synthetic.patients),
    )
    usable = np.isfinite(real.values).sum(axis=0) > 0
    n, patients = len(real), len(np.unique(real.patients))
    figures = {
        name: Figure(1.0 - float(distances[k]), *interval(1.0 - drawn[:, k]), n, patients)
        if usable[k]
        else omitted("no real row holds an entry", n)
        for k, name in enumerate(names)
    }
    if not usable.any():
        return {**figures, COLUMN_SHAPE: omitted("no column holds an entry", n)}
    mean = 1.0 - float(distances[usable].mean())
    return {**figures, COLUMN_SHAPE: Figure(mean, *interval(1.0 - drawn[:, usable].mean(axis=1)), n, patients)}


def _widest(real: npt.NDArray[np.float32], synthetic: npt.NDArray[np.float32], column: Column) -> tuple[Mask, Mask]:
    if isinstance(column, CategoryColumn):
        past = len(column.values)
        indices = [np.nan_to_num(values, nan=past).astype(np.intp) for values in (real, synthetic)]
        return widest_choice(indices[0], indices[1], past + 1)
    return widest_gap(np.nan_to_num(real, nan=np.inf), np.nan_to_num(synthetic, nan=np.inf))


def pair_correlations(real: Records, synthetic: Records, schema: TableSchema, classes: int) -> Figure:
    """Mean absolute difference of the columns' associations over all pairs, the label one more category column.

    Both sides are cut to equally many records, as Cramér's V and the correlation ratio grow where records are few.
    A pair whose synthetic column is constant has association 0; one whose real column is, is left out. The interval
    is over patients of both sides, with the sign of each difference held; drawn records are fewer still, so draws are
    moved to have the value as their median.
    """
    columns = (*schema.columns, CategoryColumn("label", tuple(str(label) for label in range(classes))))
    n = min(len(real), len(synthetic))
    if n < 2:
        return omitted("associations need 2 records of either side", n)
    pairs = np.triu_indices(len(columns), 1)
    sides = []
    for records in (real, synthetic):
        kept = records.take(np.linspace(0, len(records) - 1, n).round().astype(np.intp))
        values = np.column_stack([kept.values, kept.labels]).astype(np.float64)
        sides.append((Associations(values, columns), PatientBootstrap(kept.patients, _ASSOCIATION_DRAWS)))
    real_pairs, synthetic_pairs = (found.matrix(np.ones(n))[pairs] for found, _ in sides)
    defined = ~np.isnan(real_pairs)
    if not defined.any():
        return omitted("no two real columns vary together", n)
    difference = np.where(np.isnan(synthetic_pairs), 0.0, synthetic_pairs)[defined] - real_pairs[defined]
    drawn = [_drawn(found, bootstrap, pairs)[:, defined] for found, bootstrap in sides]
    # Sides of equally many patients have the same draws; reversed, none meets its own copy.
    differences = ((drawn[1][::-1] - drawn[0]) * np.sign(difference)).mean(axis=1)
    if min(bootstrap.patients for _, bootstrap in sides) < 2:
        differences = np.full_like(differences, np.nan)
    value = float(np.abs(difference).mean())
    centred = (differences - np.median(differences) + value).clip(min=0.0)
    note = f"{int(defined.sum())} of {len(defined)} pairs; of {len(real)} real and {len(synthetic)} synthetic, {n} each"
    return sides[0][1].figure(value, centred, note=note)


def _drawn(found: Associations, bootstrap: PatientBootstrap, pairs: tuple[npt.NDArray[np.intp], ...]) -> FloatArray:
    """Associations of the pairs in each draw [draws, pairs]; 0 where a column is constant."""
    return np.nan_to_num([found.matrix(weights[bootstrap.index])[pairs] for weights in bootstrap.weights()])


def constraint_violations(records: Records, real_train: Records, schema: TableSchema, classes: Sequence[str]) -> Figure:
    """Share of rows that break a rule: of the schema, or out of range, off the step, missing what never is.

    Args:
        records: What is judged.
        real_train: Tells which columns are always known.
        schema: The rules; the note says which columns and rules are concerned, in how many rows.
        classes: Of the labels, in their order.
    """
    gaps = np.isnan(real_train.values).any(axis=0) if len(real_train) else np.ones(len(schema.columns), np.bool_)
    columns = zip(schema.columns, np.asarray(gaps).tolist(), strict=True)
    checker = Checker(replace(schema, columns=tuple(replace(c, may_be_missing=missing) for c, missing in columns)))
    asked = dict(records.columns)
    if schema.conditions:
        codes = np.array([schema.label.values.index(name) for name in classes], dtype=np.float64)
        asked[schema.label.name] = codes[records.labels]
    broken = checker.broken(records.values, asked)
    names = (*(column.name for column in schema.columns), *(rule.name for rule in schema.rules))
    counts = broken.sum(axis=0)
    named = [f"{names[k]} {counts[k]}" for k in np.argsort(-counts, kind="stable") if counts[k]]
    return rate_figure(np.asarray(broken.any(axis=1)), records.patients, note=_listed(named))


def missing_categories(real_train: Records, synthetic: Records, schema: TableSchema) -> Figure:
    """Share of the categories held by at least 1 % of real rows that no synthetic row holds; the note names them.

    Without an interval: it is a count of names, and whether a category occurs is no matter of degree.
    """
    if not len(synthetic):
        return omitted("there is no record")
    common, never = 0, []
    for k, column in enumerate(schema.columns):
        if not isinstance(column, CategoryColumn):
            continue
        shares = (real_train.values[:, k, None] == np.arange(len(column.values))).sum(axis=0) / max(1, len(real_train))
        expected = np.flatnonzero(shares >= _RARE)
        common += len(expected)
        never += [f"{column.name}={column.values[v]}" for v in expected if not (synthetic.values[:, k] == v).any()]
    if not common:
        return omitted("no real row holds a category", len(synthetic))
    return Figure(
        len(never) / common,
        n=len(synthetic),
        patients=len(np.unique(real_train.patients)),
        note=_listed(never),
    )


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
