"""The promise of private training in a bundle's lineage and card, and back out of a manifest."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from edgeward.benchmarks.quality import PrivacyRecord
from edgeward.compression import Compressed, load_compression_recipe, pack
from edgeward.compression.privacy import KEY, privacy_of
from edgeward.runtime.bundle import Bundle, open_bundle
from edgeward.runtime.errors import BundleError
from edgeward.runtime.manifest import CARD_NAME
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.private.plan import Privacy, PrivacyPlan

from .stand_in_judge import StandInJudge

RECORD = PrivacyRecord(2.97, 1e-4, "prv", 1.5, 1.0, 0.1, "record", steps=600, counts_noise_multiplier=10.0)


@pytest.fixture(scope="module")
def private_bundle(
    teacher: Checkpoint, compressed: Compressed, compression_recipe_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """The tiny bundle as if its teacher had been trained privately."""
    promised = dataclasses.replace(teacher, privacy=Privacy(PrivacyPlan(3.0), RECORD))
    path = tmp_path_factory.mktemp("private") / "private.edgeward"
    recipe = load_compression_recipe(compression_recipe_path)
    return pack(path, promised, compressed, recipe, name="private", version="1.0.0", seed=1)


def test_a_bundle_says_what_its_teacher_was_promised_with(private_bundle: Bundle) -> None:
    assert privacy_of(open_bundle(private_bundle.path)) == RECORD


def test_a_bundle_of_a_teacher_that_was_promised_nothing_says_nothing(bundle: Bundle) -> None:
    assert privacy_of(bundle) is None
    assert KEY not in bundle.manifest.lineage
    assert "differential privacy" not in (bundle.path / CARD_NAME).read_text()


def test_the_card_tells_the_promise_its_unit_and_what_is_taken_as_public(private_bundle: Bundle) -> None:
    card = (private_bundle.path / CARD_NAME).read_text()
    assert "(ε = 2.97, δ = 0.0001)-differential privacy of each record, which compression kept" in card
    assert "noise multiplier 1.5, gradients clipped at 1, sampling rate 0.1, accountant PRV, 600 steps" in card
    assert "Taken as public: the description of the data" in card
    assert "It covers one record: whoever has several, known or not, is promised less." in card


def test_a_private_bundle_tells_no_count_or_digest_of_the_real_data(
    private_bundle: Bundle, bundle: Bundle, teacher: Checkpoint
) -> None:
    shipped = b"".join(file.read_bytes() for file in private_bundle.path.glob("*.*"))
    assert teacher.provenance.digest.encode() not in shipped
    assert teacher.provenance.digest == bundle.manifest.lineage["data"]["digest"]
    for note in teacher.provenance.notes:
        assert note.encode() not in shipped


FIGURE = 0.0123456
"""Of a gate, which no private bundle may tell."""


@pytest.mark.parametrize("private", [True, False])
def test_a_gate_that_read_real_records_is_told_of_and_its_figures_are_not_where_a_promise_was_made(
    private: bool, teacher: Checkpoint, compressed: Compressed, compression_recipe_path: Path, tmp_path: Path
) -> None:
    judge = StandInJudge(lambda _: {"tstr": (-FIGURE, -2 * FIGURE)})
    steps = tuple(dataclasses.replace(step, quality=judge(b"", decide=True)) for step in compressed.steps)
    judged = dataclasses.replace(compressed, steps=steps, judged_on=judge.about)
    plain = load_compression_recipe(compression_recipe_path)
    recipe = dataclasses.replace(plain, allowance=dataclasses.replace(plain.allowance, tstr_drop=0.05))
    promised = dataclasses.replace(teacher, privacy=Privacy(PrivacyPlan(3.0), RECORD) if private else None)
    gated = pack(tmp_path / "gated.edgeward", promised, judged, recipe, name="gated", version="1.0.0", seed=1)
    manifest, card = (gated.path / "manifest.json").read_text(), (gated.path / CARD_NAME).read_text()
    assert (str(FIGURE) in manifest) == (not private)
    assert ("| fp32 | tstr_drop | 0.012 | 0.025 | 0.05 |" in card) == (not private)
    assert (judge.about.digest in manifest) == (not private)
    assert ("That it was written tells of those records beyond the promise" in card) == private
    assert "one-sided 95 % bound" in card
    assert "not judged.**" not in card
    held = json.loads(manifest)["lineage"]["compression"]["quality"]["held"]
    assert "tstr_drop" in [one["allowance"] for one in held]


def test_a_bundle_that_no_gate_looked_at_says_that_its_quality_was_not_judged(bundle: Bundle) -> None:
    card = (bundle.path / CARD_NAME).read_text()
    assert "**Its quality was not judged.** It was let through on the distance of its samples alone" in card
    assert bundle.manifest.lineage["compression"]["quality"] is None


@pytest.mark.parametrize("value", [[], "private", {"epsilon": 3}, {"epsilon": -1.0}, {"made": "up"}])
def test_a_manifest_whose_promise_makes_no_sense_is_refused(
    private_bundle: Bundle, tmp_path: Path, value: object
) -> None:
    copy = Path(shutil.copytree(private_bundle.path, tmp_path / "copy.edgeward"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["lineage"][KEY] = {**manifest["lineage"][KEY], **value} if value == {"epsilon": -1.0} else value
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="private training makes no sense"):
        privacy_of(open_bundle(copy))
