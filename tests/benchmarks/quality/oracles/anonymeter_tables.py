"""Write simulated tables, some of whose generated rows are copies, and what our attacks make of them, for anonymeter.

anonymeter wants numpy below 2 and so an environment of its own: `make test-anonymeter` runs this file in ours, then
`test_anonymeter.py` in that one, and a folder of files is all they share.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from edgeward.benchmarks.quality.privacy.tables import table_attacks
from edgeward.benchmarks.quality.records import Records
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema

ROWS = 1000
COPIED = (0.0, 0.3, 1.0)
NUMBERS = ("age", "systolic", "cholesterol", "bmi", "glucose")
SCHEMA = TableSchema(
    "ward",
    "Patients.",
    (
        *(NumberColumn(name, "1", -1000.0, 1000.0) for name in NUMBERS),
        CategoryColumn("ward", ("a", "b", "c", "d")),
        CategoryColumn("sex", ("f", "m")),
    ),
)


def patients(seed: int) -> Records:
    """Five numbers and two categories that hang together, and a label."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(ROWS, 2))
    mixing = np.random.default_rng(0).normal(size=(2, len(NUMBERS)))
    numbers = (100 + 20 * (latent @ mixing + 0.7 * rng.normal(size=(ROWS, len(NUMBERS))))).round(1)
    ward, sex = np.clip(np.floor(latent[:, 0] + 2), 0, 3), rng.random(ROWS) < 0.3
    values = np.column_stack([numbers, ward, sex]).astype(np.float32)
    return Records(values, (latent[:, 1] > 0).astype(np.intp), np.arange(ROWS).astype(np.str_))


def with_copies(train: Records, fresh: Records, share: float) -> Records:
    """Fresh rows, the first of them replaced by as many training rows."""
    copied = round(share * ROWS)
    values, labels = fresh.values.copy(), fresh.labels.copy()
    values[:copied], labels[:copied] = train.values[:copied], train.labels[:copied]
    return Records(values, labels, fresh.patients)


def write(records: Records, path: Path) -> None:
    """As CSV, the label last."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(column.name for column in SCHEMA.columns), "label"])
        for row, label in zip(records.values.tolist(), records.labels.tolist(), strict=True):
            numbers = [f"{number:.1f}" for number in row[: len(NUMBERS)]]
            writer.writerow([*numbers, "abcd"[int(row[-2])], "fm"[int(row[-1])], f"class {label}"])


def main(folder: Path) -> None:
    """Write everything into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    train, control, fresh = (patients(seed) for seed in (1, 2, 3))
    write(train, folder / "train.csv")
    write(control, folder / "control.csv")
    ours = {}
    for share in COPIED:
        synthetic = with_copies(train, fresh, share)
        write(synthetic, folder / f"copied-{share}.csv")
        figures = table_attacks(train, control, synthetic, SCHEMA)
        ours[str(share)] = {name: [figure.value, figure.low, figure.high] for name, figure in figures.items()}
    (folder / "ours.json").write_text(json.dumps(ours, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
