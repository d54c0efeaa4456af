"""Our attacks on tables find as much as anonymeter's: nothing where nothing leaks, copies as far as there are any.

Run by `make test-anonymeter`, in an environment without Edgeward, on the files of `anonymeter_tables.py`.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "an oracle in an environment of its own: make test-anonymeter"
evaluators = pytest.importorskip("anonymeter.evaluators", reason=REASON)
pandas = pytest.importorskip("pandas", reason=REASON)

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
if "EDGEWARD_ANONYMETER" not in os.environ:
    pytest.skip("EDGEWARD_ANONYMETER names no folder of tables: make test-anonymeter", allow_module_level=True)
FOLDER = Path(os.environ["EDGEWARD_ANONYMETER"])
NUMBERS = ("age", "systolic", "cholesterol", "bmi", "glucose")
ATTACKS = 500


def table(name: str) -> "pandas.DataFrame":
    return pandas.read_csv(FOLDER / f"{name}.csv")


def risk(evaluator: object, **options: object) -> float:
    return float(evaluator.risk(**options).value)  # type: ignore[attr-defined]


def linkability(tables: tuple[object, ...]) -> float:
    """Mean over five ways to halve the columns and over one to five neighbours, as ours."""
    train, synthetic, control = tables
    columns = list(train.columns)  # type: ignore[attr-defined]
    found = []
    for seed in range(5):
        order = [str(name) for name in np.random.default_rng(seed).permutation(columns)]
        evaluator = evaluators.LinkabilityEvaluator(
            **{"ori": train, "syn": synthetic, "control": control, "n_attacks": ATTACKS, "n_neighbors": 5},
            aux_cols=(order[: len(order) // 2], order[len(order) // 2 :]),
        ).evaluate(n_jobs=1)
        found += [risk(evaluator, n_neighbors=k) for k in range(1, 6)]
    return float(np.mean(found))


def inference(tables: tuple[object, ...]) -> float:
    """Mean over the columns, each guessed from all others."""
    train, synthetic, control = tables
    columns = list(train.columns)  # type: ignore[attr-defined]
    found = []
    for secret in columns:
        evaluator = evaluators.InferenceEvaluator(
            **{"ori": train, "syn": synthetic, "control": control, "n_attacks": ATTACKS},
            **{"aux_cols": [name for name in columns if name != secret], "secret": secret},
            regression=secret in NUMBERS,
        ).evaluate(n_jobs=1)
        found.append(risk(evaluator))
    return float(np.mean(found))


def singling_out(tables: tuple[object, ...]) -> float:
    train, synthetic, control = tables
    evaluator = evaluators.SinglingOutEvaluator(
        ori=train, syn=synthetic, control=control, n_attacks=ATTACKS, n_cols=3, seed=1
    )
    return risk(evaluator.evaluate(mode="multivariate"))


THEIRS = {"linkability": linkability, "inference": inference, "singling_out": singling_out}
AGREEMENT = {"linkability": 0.06, "inference": 0.06, "singling_out": 0.1}
"""How far apart the two may be. Predicates that single out are drawn, and drawn differently."""


@pytest.mark.parametrize("copied", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("attack", THEIRS)
def test_the_risk_is_anonymeters(attack: str, copied: float) -> None:
    np.random.seed(1)  # it lets pandas draw the attacked rows
    ours = json.loads((FOLDER / "ours.json").read_text())[str(copied)][attack][0]
    theirs = THEIRS[attack]((table("train"), table(f"copied-{copied}"), table("control")))
    sys.stdout.write(f"{attack}, {copied:.0%} copies: ours {ours:.3f}, anonymeter's {theirs:.3f}\n")
    assert ours == pytest.approx(theirs, abs=AGREEMENT[attack])
