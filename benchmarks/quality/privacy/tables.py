"""Attacks on a generated table: does it tell more about training patients than about others?

Singling out, linkability and inference as in anonymeter (Giomi et al., PETS 2023, arXiv 2211.10459): generated rows
guide an attack on training rows, and the same attack on held-out rows shows what it finds without any leak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from ....runtime.schema import CategoryColumn, TableSchema
from ..figure import Figure, FloatArray, omitted
from ..records import Records

_ATTACKED = 500
_POPULATION = 5000
_FEWEST = 10
_NEIGHBOURS = 5
_HALVINGS = 5
_TRIES = 5
_CLOSE = 0.05
"""Of a column's range: so near, a number counts as guessed."""
_BLOCK_NUMBERS = 2**20
_HUGE = 1e300
_Z = 1.959964
_SEED = 20221118

_Attack = Callable[[FloatArray], FloatArray]
"""Successes from 0 to 1, one for each predicate or each attacked row, against rows [m, c]."""


def table_attacks(train: Records, holdout: Records, synthetic: Records, schema: TableSchema) -> dict[str, Figure]:
    """Risk of each attack: (training rate - held-out rate) / (1 - held-out rate), at most 1; 0 is no leak.

    The label is attacked like any column. A column of one value in the training data says nothing and is left out.

    Args:
        train: Rows the generator was trained on.
        holdout: Real rows of other patients.
        synthetic: Generated rows.
        schema: What the columns are.

    Returns:
        `singling_out`: predicates that fit one generated row also fit exactly one real row; `linkability`: both
        halves of a row's columns have a generated row in common among their 1 to 5 nearest (mean over these);
        `inference`: a column is guessed from the generated row nearest in all others (mean over columns).
    """
    n = min(len(train), len(holdout), _POPULATION)
    if n < _FEWEST:
        return _none(f"a table is attacked on at least {_FEWEST} training and {_FEWEST} held-out rows", n)
    rng = np.random.Generator(np.random.Philox(key=[_SEED, n]))
    sides = train.take(rng.permutation(len(train))[:n]), holdout.take(rng.permutation(len(holdout))[:n])
    generated = synthetic.take(rng.permutation(len(synthetic))[:_POPULATION])
    varying, category, location, scale = _columns(train, schema)
    if varying.sum() < 2:
        return _none("fewer than two columns vary in the training data", n)
    inside, outside, made = [((_table(rows) - location) / scale)[:, varying] for rows in (*sides, generated)]
    # Whoever guesses gains nothing from a row's copies, and linking through either of them is linking.
    different = _known(np.unique(_coded(made), axis=0))
    if len(different) < _FEWEST:
        return _none(f"there are fewer than {_FEWEST} different generated rows", n)
    targets = slice(0, _ATTACKED)
    patients = [len(np.unique(side.patients[targets])) for side in sides]
    figures = {}
    for name, attack, rows in (
        ("singling_out", _singling_out(made, category, rng), slice(None)),
        ("linkability", _linkability(different, category, rng), targets),
        ("inference", _inference(different, category, rng), targets),
    ):
        figures[name] = _risk(attack(inside[rows]), attack(outside[rows]), min(n, _ATTACKED), patients)
    return figures


def _none(reason: str, n: int) -> dict[str, Figure]:
    return dict.fromkeys(("singling_out", "linkability", "inference"), omitted(reason, n))


def _risk(attack: FloatArray, control: FloatArray, n: int, patients: list[int]) -> Figure:
    """Excess of an attack over its control, with Wilson's interval of both rates propagated as anonymeter does."""
    if len(attack) < _FEWEST:
        return omitted(f"only {len(attack)} predicates fit exactly one generated row", n)
    # Columns and predicates share patients; it is patients that make a rate sure.
    trials = [min(len(hits), people) for hits, people in zip((attack, control), patients, strict=True)]
    (rate, error), (base, base_error) = _wilson(attack.mean(), trials[0]), _wilson(control.mean(), trials[1])
    risk = (rate - base) / (1 - base)
    spread = np.hypot(error / (1 - base), base_error * (1 - rate) / (1 - base) ** 2)
    low, high = (None, None) if min(patients) < 2 else (float(min(risk - spread, 1.0)), float(min(risk + spread, 1.0)))
    note = f"succeeds in {attack.mean():.1%} of training and {control.mean():.1%} of held-out attacks"
    return Figure(float(min(risk, 1.0)), low, high, 2 * n, sum(patients), note=note)


def _wilson(rate: float, n: int) -> tuple[float, float]:
    """Centre and half width of the 95 % score interval (Wilson 1927)."""
    centre = (rate + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    return centre, _Z / (1 + _Z**2 / n) * np.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))


def _table(rows: Records) -> FloatArray:
    """All columns, the label last: [n, columns + 1]."""
    return np.column_stack([rows.values, rows.labels]).astype(np.float64)


def _columns(
    train: Records, schema: TableSchema
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], FloatArray, FloatArray]:
    """Which columns vary; of these, which are categories; location and scale that bring numbers to 0 to 1."""
    category = np.array([isinstance(column, CategoryColumn) for column in schema.columns] + [True])
    coded = _coded(_table(train))
    varying = (coded != coded[0]).any(axis=0)
    known = np.isfinite(coded)
    least = np.where(known, coded, np.inf).min(axis=0)
    most = np.where(known, coded, -np.inf).max(axis=0)
    numbers = ~category & (least < most)
    location, scale = np.zeros(len(category)), np.ones(len(category))
    location[numbers], scale[numbers] = least[numbers], (most - least)[numbers]
    return varying, category[varying], location, scale


def _coded(table: FloatArray) -> FloatArray:
    """Missing entries as minus infinity, equal to each other and to nothing else."""
    return np.where(np.isnan(table), -np.inf, table)


def _known(coded: FloatArray) -> FloatArray:
    """Back to NaN."""
    return np.where(np.isneginf(coded), np.nan, coded)


# Singling out: a predicate is a box, [low, high] of each column; minus infinity is a missing entry.


def _singling_out(made: FloatArray, category: npt.NDArray[np.bool_], rng: np.random.Generator) -> _Attack:
    coded = _coded(made)
    outward = _outward(coded, category)
    boxes = [_alone(_extremes(coded, outward), coded)]
    waiting = rng.permutation(len(coded))
    for _ in range(_TRIES):  # each generated row lends itself to one predicate, of columns drawn anew each time
        rows, found = waiting[:_ATTACKED], sum(len(low) for low, _ in boxes)
        if found >= _ATTACKED or not len(rows):
            break
        low, high = (side[rows] for side in outward)
        asked = _some_columns(len(rows), coded.shape[1], rng)
        box = np.where(asked, low, -np.inf), np.where(asked, high, np.inf)
        single = _matches(*box, coded) == 1
        boxes.append((box[0][single], box[1][single]))
        waiting = np.concatenate([waiting[_ATTACKED:], rows[~single]])
    low, high = (np.concatenate(sides)[:_ATTACKED] for sides in zip(*boxes, strict=True))
    return lambda rows: (_matches(low, high, _coded(rows)) == 1).astype(np.float64)


def _outward(coded: FloatArray, category: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Of each entry the interval from it away from the median; of a category, or a missing entry, only itself.

    It begins halfway to the next value inwards: it holds no other generated row, and a little noise does not hide
    whose the row was.
    """
    low, high = coded.copy(), coded.copy()
    for column in np.flatnonzero(~category):
        known = np.isfinite(coded[:, column])
        entries = coded[known, column]
        if not len(entries):
            continue
        values, place = np.unique(entries, return_inverse=True)
        middles = (values[1:] + values[:-1]) / 2
        above = entries > np.median(entries)
        low[known, column] = np.where(above, np.append(values[:1], middles)[place], -_HUGE)
        high[known, column] = np.where(above, _HUGE, np.append(middles, values[-1])[place])
    return low, high


def _extremes(coded: FloatArray, outward: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Of each column alone, what is asked of its rows; only the outermost numbers can stand alone."""
    lows, highs = [], []
    for column in range(coded.shape[1]):
        bounds = np.unique(np.column_stack([side[:, column] for side in outward]), axis=0)
        low, high = np.full((len(bounds), coded.shape[1]), -np.inf), np.full((len(bounds), coded.shape[1]), np.inf)
        low[:, column], high[:, column] = bounds.T
        outermost = (low[:, column] == low[:, column].max()) | (high[:, column] == high[:, column].min())
        exact = low[:, column] == high[:, column]
        lows.append(low[outermost | exact])
        highs.append(high[outermost | exact])
    return np.concatenate(lows), np.concatenate(highs)


def _alone(box: tuple[FloatArray, FloatArray], coded: FloatArray) -> tuple[FloatArray, FloatArray]:
    single = _matches(*box, coded) == 1
    return box[0][single], box[1][single]


def _some_columns(n: int, columns: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Two to four columns at random, each time."""
    rank = rng.random((n, columns)).argsort(axis=1).argsort(axis=1)
    chosen: npt.NDArray[np.bool_] = rank < rng.integers(2, 5, (n, 1))
    return chosen


def _matches(low: FloatArray, high: FloatArray, coded: FloatArray) -> npt.NDArray[np.intp]:
    """How many rows fit each predicate."""
    counts = np.zeros(len(low), dtype=np.intp)
    for block in _blocks(len(low), len(coded)):
        fits = np.ones((len(low[block]), len(coded)), dtype=np.bool_)
        for least, most, entries in zip(low[block].T, high[block].T, coded.T, strict=True):
            fits &= (entries >= least[:, None]) & (entries <= most[:, None])
        counts[block] = fits.sum(axis=1)
    return counts


# Linkability and inference: the nearest generated rows by Gower's distance.


def _linkability(made: FloatArray, category: npt.NDArray[np.bool_], rng: np.random.Generator) -> _Attack:
    columns = made.shape[1]
    halves = [rng.permutation(columns) < columns // 2 for _ in range(_HALVINGS)]
    ties = rng.random((2, len(made))) * 1e-9  # or rows of a low number would be near to all that are equally far

    def attack(rows: FloatArray) -> FloatArray:
        linked = np.zeros(len(rows))
        for block in _blocks(len(rows), len(made)):
            for half in halves:
                one, other = (
                    _nearest(_gower(rows[block][:, part], made[:, part], category[part]) + tie)
                    for part, tie in zip((half, ~half), ties, strict=True)
                )
                # The later of both places at which a row is found in common is the least k that links.
                later = np.maximum.outer(np.arange(one.shape[1]), np.arange(one.shape[1]))
                least = np.where(one[:, :, None] == other[:, None, :], later, one.shape[1]).min(axis=(1, 2))
                linked[block] += 1 - least / one.shape[1]
        return linked / len(halves)

    return attack


def _inference(made: FloatArray, category: npt.NDArray[np.bool_], rng: np.random.Generator) -> _Attack:
    ties = rng.random(len(made)) * 1e-9

    def attack(rows: FloatArray) -> FloatArray:
        guessed = np.zeros(len(rows))
        for block in _blocks(len(rows), len(made)):
            total = _gower(rows[block], made, category) + ties
            for column, kind in enumerate(category):
                entries, candidates = rows[block][:, column], made[:, column]
                nearest = (total - _apart(entries[:, None], candidates, kind)).argmin(axis=1)
                guessed[block] += _apart(entries, candidates[nearest], kind) <= _CLOSE
        return guessed / len(category)

    return attack


def _nearest(distances: FloatArray) -> npt.NDArray[np.intp]:
    """Indices of the nearest rows, nearest first: [m, 5]."""
    some = np.argpartition(distances, _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS]
    order = np.take_along_axis(distances, some, axis=1).argsort(axis=1)
    return np.take_along_axis(some, order, axis=1)


def _gower(rows: FloatArray, made: FloatArray, category: npt.NDArray[np.bool_]) -> FloatArray:
    """Sum of the columns' distances [rows, made] (Gower 1971)."""
    total = np.zeros((len(rows), len(made)))
    for column, kind in enumerate(category):
        total += _apart(rows[:, column, None], made[:, column], kind)
    return total


def _apart(one: FloatArray, other: FloatArray, category: bool) -> FloatArray:
    """Distance of entries: of numbers in ranges, of different categories 1; missing is 1 from all but missing."""
    missing, absent = np.isnan(one), np.isnan(other)
    apart = (one != other).astype(np.float64) if category else np.abs(one - other)
    return np.where(missing | absent, (missing != absent).astype(np.float64), apart)


def _blocks(n: int, width: int) -> Iterator[slice]:
    """Rows in blocks of bounded memory."""
    step = max(1, _BLOCK_NUMBERS // width)
    return (slice(start, start + step) for start in range(0, n, step))
