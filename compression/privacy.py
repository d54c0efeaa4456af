"""The promise of private training on its way from a checkpoint into a bundle, and back out of its manifest.

No step of compression has seen a record: noise and conditions are drawn, the teacher answers. So what ships keeps what
the teacher was promised with (post-processing: Dwork & Roth 2014, Proposition 2.1). A gate that judged on real records
has; what that tells is said in the card.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from ..benchmarks.quality import PrivacyRecord
from ..runtime.bundle import Bundle
from ..runtime.errors import BundleError, DataError
from ..training.checkpoint import Checkpoint
from .gate import held
from .recipe import CompressionRecipe
from .record import Compressed

KEY = "differential_privacy"
"""Of the lineage; absent where training was not private."""

_WITHHELD = (
    "What was left out while reading, with counts, and the digest of the data are not told: they would be exact "
    "figures of real records, which the promise of private training does not allow."
)


_NO_FIGURES = (
    "The gate read the figures on real records, without noise; they are not told here, which the promise of private "
    "training does not allow. That the bundle was let through is told all the same."
)


def lineage_of_data(teacher: Checkpoint) -> dict[str, Any]:
    """Where the data came from; of a private teacher no more than was promised."""
    source = {**vars(teacher.provenance), "notes": list(teacher.provenance.notes)}
    return source | {"digest": None, "notes": [_WITHHELD]} if teacher.privacy else source


def lineage_of_quality(teacher: Checkpoint, compressed: Compressed, recipe: CompressionRecipe) -> dict[str, Any] | None:
    """What the gate read on real records and how it decided; of a private teacher that it did, and no figure."""
    judged_on = compressed.judged_on
    if judged_on is None:
        return None
    if teacher.privacy:
        told = {"split": judged_on.split, "seeds": judged_on.seeds, "effort": dict(judged_on.effort)}
        return {"on": told, "held": [{"allowance": name} for name in recipe.allowance.of_quality], "note": _NO_FIGURES}
    return {"on": judged_on.to_json(), "held": [one.to_json() for one in held(recipe, compressed)]}


def lineage_of_steps(teacher: Checkpoint, compressed: Compressed) -> list[dict[str, Any]]:
    """The record of each step; of a private teacher without what was read on real records."""
    steps = [step.to_json() for step in compressed.steps]
    return [{**step, "quality": None} for step in steps] if teacher.privacy else steps


def lineage_of_privacy(teacher: Checkpoint) -> dict[str, Any]:
    """The lineage's entry, or none."""
    return {KEY: asdict(teacher.privacy.record)} if teacher.privacy else {}


def privacy_of(bundle: Bundle) -> PrivacyRecord | None:
    """What a bundle's lineage says of private training; None where there was none.

    Raises:
        BundleError: It makes no sense.
    """
    values = bundle.manifest.lineage.get(KEY)
    if values is None:
        return None
    try:
        record = PrivacyRecord(**values)
        return replace(record, entered=tuple(str(what) for what in record.entered))
    except (TypeError, DataError) as error:
        raise BundleError(
            f"{bundle.path}: what its manifest says of private training makes no sense: {error}"
        ) from error


def told_of_training(record: PrivacyRecord | None, *, imported: bool = False, gated: bool = False) -> list[str]:
    """The card's lines on what of the training records reached the bundle.

    Args:
        record: Of private training; None where it was not private.
        imported: Whether the teacher was trained elsewhere.
        gated: Whether a gate read real records to let the bundle through.
    """
    if record is None:
        return [
            "No record of the training data entered pruning, distillation or calibration: they used the teacher's",
            "samples only. The teacher was trained elsewhere and imported; how is not known here."
            if imported
            else "samples only. The normalisation constants of the graph were taken from the training records.",
        ]
    promise = record.promise()
    return [
        "## Privacy of the training records",
        "",
        f"{promise[0].upper()}{promise[1:]} ({record.method()}).",
        "",
        "Nothing real entered pruning, distillation or calibration, which used the teacher's samples only; the",
        "normalisation constants were taken from the declared ranges, and the shares of classes counted under noise.",
        "Taken as public: the description of the data (columns, categories, ranges, which classes there are), the",
        "number of training records, and the recipe. The promise is about the records of the training split and about",
        "the graphs and conditions shipped here: figures of a judgement are read on real records without noise.",
        *(_OF_GATE if gated else ()),
        *_of_unit(record),
    ]


_OF_GATE = (
    "So was the gate: it read training and validation records without noise to decide whether this bundle may be",
    "written. That it was written tells of those records beyond the promise, by one yes; of several results that were",
    "looked at, by which one was taken. The figures themselves are not told here.",
)


def _of_unit(record: PrivacyRecord) -> list[str]:
    if record.unit == "patient":
        return ["It covers a patient with all records: one of them at most was in a step."]
    return ["It covers one record: whoever has several, known or not, is promised less."]
