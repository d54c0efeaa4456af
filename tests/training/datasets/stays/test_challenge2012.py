"""Reading the Challenge 2012: splits, conditions and counts are right, and every bad file is named with a remedy."""

import gzip
import io
import json
import os
import random
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from edgeward.runtime.errors import DataError, RequestError
from edgeward.runtime.schema import ClassCondition, NumberCondition, schema_from_json
from edgeward.training.datasets import Dataset, load_dataset
from edgeward.training.datasets.dataset import Split
from edgeward.training.datasets.stays import challenge2012_files
from edgeward.training.datasets.stays.challenge2012 import load_stays, split_of
from edgeward.training.datasets.stays.definition import age_band, stay_schema
from edgeward.training.datasets.stays.simulator import simulate_stays

from .challenge2012_set import (
    FIRST,
    OUTCOMES_HEADER,
    STAYS,
    made_up_stays,
    member,
    outcomes_text,
    stay_members,
    stay_text,
    write_archive,
    write_packed,
    write_unpacked,
)

IDS = range(FIRST, FIRST + STAYS)
CHANNELS = [channel.name for channel in stay_schema().channels]


def splits(dataset: Dataset) -> dict[str, Split]:
    return {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_stays(write_packed(tmp_path_factory.mktemp("stays"), made_up_stays()))


class TestSplit:
    def test_a_stays_split_is_fixed(self) -> None:
        """By sha256sum(1), modulo 5."""
        assert [split_of(number) for number in (132539, 132540, 152871, 152873, 163037)] == [
            "validation",
            "train",
            "train",
            "validation",
            "test",
        ]

    def test_three_in_five_stays_train_one_validates_one_tests(self) -> None:
        counts = Counter(split_of(number) for number in range(132_539, 163_038))  # all three sets
        assert {name: count / 30_499 for name, count in counts.items()} == {
            "train": pytest.approx(0.6, abs=0.01),
            "validation": pytest.approx(0.2, abs=0.01),
            "test": pytest.approx(0.2, abs=0.01),
        }

    def test_every_stay_is_in_its_split_alone(self, dataset: Dataset) -> None:
        found = {name: split.patients.tolist() for name, split in splits(dataset).items()}
        for name, patients in found.items():
            assert patients == [str(number) for number in IDS if split_of(number) == name]

    def test_more_stays_leave_those_there_were_in_their_splits(self, tmp_path: Path, dataset: Dataset) -> None:
        write_packed(tmp_path, made_up_stays())
        other = {number: stay_text(number) for number in range(400_001, 400_021)}
        more = load_stays(write_unpacked(tmp_path, other, letter="a"))
        for name, split in splits(dataset).items():
            assert set(split.patients.tolist()) < set(splits(more)[name].patients.tolist())
        assert "set a, c" in more.provenance.source


class TestContent:
    def test_series_and_conditions_are_each_stays_own(self, dataset: Dataset) -> None:
        split = dataset.validation
        numbers = split.patients.astype(int)
        for name, hour, expected in (
            ("HR", 0, 60 + numbers % 50),
            ("Weight", 0, 60 + numbers % 40),
            ("GCS", 5, 3 + numbers % 13),
        ):
            assert split.samples[:, CHANNELS.index(name), hour].tolist() == expected.tolist()
        assert (~np.isnan(split.samples)).sum() == 4 * len(split)
        assert split.columns["outcome"].tolist() == (numbers % 2).tolist()
        assert split.columns["icu_type"].tolist() == (numbers % 4).tolist()
        assert split.columns["sex"].tolist() == (numbers // 2 % 2).tolist()
        assert split.columns["age"].tolist() == (20 + numbers % 70).tolist()
        types = ["coronary", "cardiac_surgery", "medical", "surgical"]
        assert split.attributes["sex"].tolist() == ["FM"[number // 2 % 2] for number in numbers]
        assert split.attributes["icu_type"].tolist() == [types[number % 4] for number in numbers]
        assert split.attributes["age"].tolist() == [age_band(20.0 + number % 70) for number in numbers]

    def test_bands_of_age_begin_at_their_first_year(self) -> None:
        assert [age_band(age) for age in (15.0, 44.0, 45.0, 64.0, 65.0, 79.0, 80.0, 90.0)] == [
            *["under 45"] * 2,
            *["45 to 64"] * 2,
            *["65 to 79"] * 2,
            *["80 and over"] * 2,
        ]

    def test_the_schema_is_hourly_with_gaps_and_says_how_often_conditions_occur_in_train(
        self, dataset: Dataset
    ) -> None:
        schema = dataset.schema
        assert schema.has_gaps
        assert schema.shape == (36, 48)
        assert schema.label.name == "outcome"
        assert [condition.name for condition in schema.conditions] == ["outcome", "icu_type", "sex", "age"]
        for condition in schema.conditions:
            column = dataset.train.columns[condition.name]
            if isinstance(condition, ClassCondition):
                expected = np.bincount(column.astype(int), minlength=len(condition.values)) / len(column)
                np.testing.assert_allclose(condition.shares, expected, atol=1e-3)
                assert all(round(share, 3) == share for share in condition.shares)
            else:
                assert isinstance(condition, NumberCondition)
                assert condition.unit == "a"
                middle = condition.quantiles[len(condition.quantiles) // 2]
                assert middle == pytest.approx(np.median(column), abs=1)
        assert schema_from_json(json.loads(json.dumps(schema.to_json())), "here") == schema

    def test_recorded_and_simulated_stays_have_the_same_channels_and_conditions(self, dataset: Dataset) -> None:
        simulated = simulate_stays(patients=(6, 2, 2)).schema
        assert simulated.channels == dataset.schema.channels  # type: ignore[union-attr]
        assert simulated.description == dataset.schema.description
        assert [c.name for c in simulated.conditions] == [c.name for c in dataset.schema.conditions]

    def test_packed_and_unpacked_are_the_same_data(self, tmp_path: Path, dataset: Dataset) -> None:
        unpacked = load_stays(write_unpacked(tmp_path, dict(reversed(made_up_stays().items()))))
        assert unpacked.provenance == dataset.provenance
        assert unpacked.train.samples.tobytes() == dataset.train.samples.tobytes()

    def test_the_archive_is_read_where_both_are_there(self, tmp_path: Path, dataset: Dataset) -> None:
        write_unpacked(tmp_path, {FIRST: "nonsense"})
        write_packed(tmp_path, made_up_stays())
        assert load_stays(tmp_path).provenance == dataset.provenance

    def test_an_archive_with_dots_before_its_names_is_read(self, tmp_path: Path, dataset: Dataset) -> None:
        write_packed(tmp_path, made_up_stays())
        members = [member("./", type=tarfile.DIRTYPE), *stay_members(made_up_stays())]
        for info, _ in members[1:]:
            info.name = f"./{info.name}"
        write_archive(tmp_path / "set-c.tar.gz", members)
        assert load_stays(tmp_path).provenance == dataset.provenance

    def test_one_outcome_may_be_asked_for(self, tmp_path: Path, dataset: Dataset) -> None:
        died = load_dataset("icu-stays", write_packed(tmp_path, made_up_stays()), classes=["died"])
        assert died.label.values == ("died",)
        assert died.label.meanings == ("died in hospital",)
        for name, split in splits(died).items():
            whole = splits(dataset)[name]
            assert split.patients.tolist() == whole.patients[whole.columns["outcome"] == 1].tolist()
            assert set(split.columns["outcome"].tolist()) == {0.0}
        survived = STAYS // 2
        assert f"{survived} stays of another outcome are left out, as asked." in died.provenance.notes
        for wrong in (["dead"], []):
            with pytest.raises(RequestError, match="survived,died"):
                load_stays(tmp_path, classes=wrong)

    def test_progress_counts_the_stays(self, tmp_path: Path) -> None:
        seen: list[tuple[int, int, str]] = []
        load_stays(write_packed(tmp_path, made_up_stays()), on_progress=lambda *step: seen.append(step))
        assert [step[:2] for step in seen] == [(k, STAYS) for k in range(1, STAYS + 1)]
        assert seen[0][2] == f"stay {FIRST}"


class TestNotes:
    def test_what_is_not_used_is_counted(self, tmp_path: Path) -> None:
        stays = made_up_stays()
        stays[FIRST] = stay_text(FIRST, gender="-1")
        stays[FIRST + 1] = stay_text(FIRST + 1, age="-1")
        stays[FIRST + 2] = stay_text(FIRST + 2, icu_type="-1")
        stays[FIRST + 3] = stay_text(FIRST + 3, [("00:00", "Weight", "80")])
        stays[FIRST + 4] += "48:00,Temp,-17.8\n48:00,pH,735\n48:00,NIMAP,-1\n48:00,TroponinI,0.4\n48:00,,2.7\n"
        stays[FIRST + 5] += "48:00,Temp,0\n"
        found = load_stays(write_packed(tmp_path, stays))
        assert sum(map(len, splits(found).values())) == STAYS - 4
        notes = "\n".join(found.provenance.notes)
        for sentence in (
            "1 stays whose sex is not told are left out.",
            "1 stays whose age is not told or no adult's are left out.",
            "1 stays whose type of unit is not told are left out.",
            "1 stays in which nothing was measured are left out.",
            "3 values outside their variable's plausible range are taken as missing: Temp 2, pH 1.",
            "1 values are -1",
            "TroponinI is no channel: measured in under 5 % of the stays; here 1 values in 0.8% of the stays.",
            "What has no name is no channel",
            f"{len(found.train)} stays in train, {len(found.validation)} stays in validation",
        ):
            assert sentence in notes
        assert f"{FIRST + 4}" not in notes

    def test_known_entries_are_told(self, dataset: Dataset) -> None:
        share = 4 / (36 * 48)
        assert f"{share:.1%} of the entries are known, from 0.0% of SysABP to 2.1% of" in dataset.provenance.notes[-2]

    def test_channels_without_a_value_in_train_are_told(self, dataset: Dataset) -> None:
        told = dataset.provenance.notes[-1]
        assert told.startswith("Never measured in train, so that nothing is learnt of them")
        named = told.partition("nothing: ")[2].rstrip(".").split(", ")
        assert named == [name for name in CHANNELS if name not in ("HR", "GCS", "Urine", "Weight")]

    def test_the_source_is_named_as_its_licence_wants(self, dataset: Dataset) -> None:
        provenance = dataset.provenance
        assert not provenance.synthetic
        assert provenance.licence == "ODC-BY-1.0"
        assert "Silva I" in provenance.attribution
        assert "Goldberger" in provenance.attribution


def rewrite(folder: Path, *extra: tuple[tarfile.TarInfo, bytes]) -> None:
    write_archive(folder / "set-c.tar.gz", [*stay_members(made_up_stays()), *extra])


def change_outcomes(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / "Outcomes-c.txt"
    path.write_text(change(path.read_text()))


def truncated(folder: Path, share: float) -> None:
    path = folder / "set-c.tar.gz"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def without_end_blocks(folder: Path) -> None:
    """A good gzip of a tar that ends after half of its members."""
    packed = folder / "set-c.tar.gz"
    tar = gzip.decompress(packed.read_bytes())
    packed.write_bytes(gzip.compress(tar[: 512 * (1 + 2 * STAYS // 2)]))


def negative_size(folder: Path) -> None:
    info, _ = member("set-c/9.txt")
    info.size = -512
    block = info.tobuf(tarfile.GNU_FORMAT)
    (folder / "set-c.tar.gz").write_bytes(gzip.compress(block + bytes(1024)))


def endless_long_name(folder: Path) -> None:
    info, _ = member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME)
    info.size = 2**40
    block = info.tobuf(tarfile.GNU_FORMAT)
    (folder / "set-c.tar.gz").write_bytes(gzip.compress(block + bytes(8 * 2**20)))


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no outcomes": (lambda f: (f / "Outcomes-c.txt").unlink(), r"set-c.tar.gz but no Outcomes-c.txt \(half a download"),
    "no stays": (lambda f: (f / "set-c.tar.gz").unlink(), r"Outcomes-c.txt but no set-c.tar.gz or set-c/ \(half"),
    "another set's outcomes": (
        lambda f: (f / "Outcomes-a.txt").write_text(outcomes_text([1])),
        r"holds Outcomes-a.txt but no set-a",
    ),
    "half an archive": (lambda f: truncated(f, 0.5), r"set-c.tar.gz is truncated, damaged or no tar.gz"),
    "all but an archive's last byte": (lambda f: truncated(f, 0.9999), r"is truncated, damaged or no tar.gz"),
    "an empty archive": (lambda f: truncated(f, 0.0), r"is truncated, damaged or no tar.gz"),
    "a tar that just ends": (without_end_blocks, r"lacks 60 of the 120 stays in Outcomes-c.txt \(half a download"),
    "no gzip": (lambda f: (f / "set-c.tar.gz").write_bytes(b"PK\3\4" * 200), r"truncated, damaged or no tar.gz"),
    "no tar": (lambda f: (f / "set-c.tar.gz").write_bytes(gzip.compress(b"x" * 2000)), r"damaged or no tar.gz"),
    "a size below nothing": (negative_size, r"set-c.tar.gz is (truncated, damaged|no set)"),
    "a name without an end": (endless_long_name, r"unpacks to more than 4194304 bytes"),
    "a link": (lambda f: rewrite(f, member("set-c/9.txt", **LINK)), r"'set-c/9.txt' is no plain file"),
    "a hard link": (
        lambda f: rewrite(f, member("set-c/9.txt", type=tarfile.LNKTYPE, linkname=f"set-c/{FIRST}.txt")),
        r"'set-c/9.txt' is no plain file",
    ),
    "a device": (lambda f: rewrite(f, member("set-c/9.txt", type=tarfile.CHRTYPE)), r"is no plain file"),
    "a folder elsewhere": (lambda f: rewrite(f, member("etc", type=tarfile.DIRTYPE)), r"'etc' is no plain file"),
    "a way out": (lambda f: rewrite(f, member("set-c/../../9.txt", "x")), r"'set-c/../../9.txt' is not named set-c/"),
    "a way from the root": (lambda f: rewrite(f, member("/set-c/9.txt", "x")), r"is not named set-c/<number>.txt"),
    "another set's stay": (lambda f: rewrite(f, member("set-a/9.txt", "x")), r"'set-a/9.txt' is not named set-c/"),
    "a folder before": (lambda f: rewrite(f, member("x/set-c/9.txt", "x")), r"is not named set-c/<number>.txt"),
    "another file": (lambda f: rewrite(f, member("set-c/notes.md", "x")), r"'set-c/notes.md' is not named set-c/"),
    "digits of another script": (lambda f: rewrite(f, member("set-c/٩.txt", "x")), r"is not named set-c/"),
    "a huge stay": (
        lambda f: rewrite(f, member("set-c/9.txt", bytes(300_000))),
        r"'set-c/9.txt' is larger than 262144 bytes",
    ),
    "a bomb after the end": (
        lambda f: (f / "set-c.tar.gz").write_bytes((f / "set-c.tar.gz").read_bytes() + gzip.compress(bytes(2**23))),
        r"unpacks to more than 4194304 bytes",
    ),
    "a huge archive": (lambda f: (f / "set-c.tar.gz").write_bytes(os.urandom(2**21)), r"or larger than 1048576 bytes"),
    "many members": (
        lambda f: rewrite(f, *[member("set-c", type=tarfile.DIRTYPE) for _ in range(200)]),
        r"holds more than 150 members",
    ),
    "a stay twice": (lambda f: rewrite(f, member(f"set-c/{FIRST}.txt", stay_text(FIRST))), r"holds stay 200001 twice"),
    "a stay twice under two names": (
        lambda f: rewrite(f, member(f"set-c/0{FIRST}.txt", stay_text(FIRST))),
        r"holds stay 200001 twice",
    ),
    "a stay without outcome": (
        lambda f: rewrite(f, member("set-c/9.txt", stay_text(9))),
        r"Outcomes-c.txt has no outcome of .*set-c/9.txt",
    ),
    "text that is no number": (
        lambda f: write_archive(f / "set-c.tar.gz", [member(f"set-c/{FIRST}.txt", stay_text(FIRST) + "01:00,HR,x\n")]),
        r"set-c.tar.gz: set-c/200001.txt, line 8: '01:00,HR,x'",
    ),
    "an outcome too many": (
        lambda f: change_outcomes(f, lambda text: text + "9,6,1,5,-1,0\n"),
        r"lacks 1 of the 121 stays in Outcomes-c.txt \(half a download\?\): 9;",
    ),
    "an outcome twice": (
        lambda f: change_outcomes(f, lambda text: text + f"{FIRST},6,1,5,-1,0\n"),
        r"Outcomes-c.txt, line 122: stay 200001 is there twice",
    ),
    "no column of death": (
        lambda f: change_outcomes(f, lambda text: text.replace("In-hospital_death", "Death")),
        r"Outcomes-c.txt has no column In-hospital_death",
    ),
    "no column of stays": (
        lambda f: change_outcomes(f, lambda text: text.replace("RecordID", "ID")),
        r"Outcomes-c.txt has no column RecordID",
    ),
    "a column twice": (
        lambda f: change_outcomes(f, lambda text: text.replace("SOFA", "RecordID")),
        r"no column RecordID, or more than one",
    ),
    "half a line of outcomes": (lambda f: change_outcomes(f, lambda text: text[:-9]), r"Outcomes-c.txt, line 121"),
    "neither dead nor alive": (
        lambda f: change_outcomes(f, lambda text: text.replace(f"{FIRST},6,1,5,-1,1", f"{FIRST},6,1,5,-1,-1")),
        r"line 2: RecordID is no number, or In-hospital_death neither 0 nor 1",
    ),
    "an id that is no number": (
        lambda f: change_outcomes(f, lambda text: text.replace(f"{FIRST},", "first,")),
        r"line 2: RecordID is no number",
    ),
    "an empty table": (lambda f: change_outcomes(f, lambda text: ""), r"Outcomes-c.txt has no column RecordID"),
    "a table of nobody": (lambda f: change_outcomes(f, lambda text: OUTCOMES_HEADER), r"has no outcome of"),
    "outcomes that are no text": (lambda f: (f / "Outcomes-c.txt").write_bytes(b"\xff\xfe"), r"is not plain text"),
    "huge outcomes": (lambda f: (f / "Outcomes-c.txt").write_bytes(bytes(5 * 2**20)), r"is larger than 4194304 bytes"),
    "outcomes that are a folder": (
        lambda f: ((f / "Outcomes-c.txt").unlink(), (f / "Outcomes-c.txt").mkdir()),
        r"Outcomes-c.txt is missing, or no regular file",
    ),
}


class TestDamage:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A good set to damage at will, and bounds that do not take long to break."""
        monkeypatch.setattr(challenge2012_files, "_MAX_UNPACKED_BYTES", 4 * 2**20)
        monkeypatch.setattr(challenge2012_files, "_MAX_PACKED_BYTES", 2**20)
        monkeypatch.setattr(challenge2012_files, "MAX_STAYS", 150)
        return write_packed(tmp_path / "challenge", made_up_stays())

    @pytest.mark.parametrize("name", BAD)
    def test_what_is_wrong_is_said_with_a_remedy(self, folder: Path, name: str) -> None:
        load_stays(folder)
        damage, why = BAD[name]
        damage(folder)
        with pytest.raises(DataError, match=why) as error:
            load_stays(folder)
        assert "https://physionet.org/content/challenge-2012" in str(error.value)

    def test_a_wrong_folder_says_which_is_right(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"there is no folder .*nowhere; download set-c.tar.gz"):
            load_stays(tmp_path / "nowhere")
        with pytest.raises(DataError, match=rf"name {folder} instead"):
            load_stays(tmp_path)
        (folder / "set-c").mkdir()
        with pytest.raises(DataError, match=rf"name {folder} instead"):
            load_stays(folder / "set-c")
        for file in ("set-c.tar.gz", "Outcomes-c.txt"):
            with pytest.raises(DataError, match=rf"{file} is a file, .* the folder of a set; name {folder} instead"):
                load_stays(folder / file)
        (tmp_path / "x.csv").write_text("")
        with pytest.raises(DataError, match=r"x.csv is a file, .*; download set-c.tar.gz"):
            load_stays(tmp_path / "x.csv")
        (tmp_path / "empty").mkdir()
        with pytest.raises(DataError, match=r"holds no set of the Challenge 2012; download"):
            load_stays(tmp_path / "empty")

    def test_an_unpacked_stay_that_is_absent_huge_or_no_file_is_named(self, tmp_path: Path) -> None:
        folder = write_unpacked(tmp_path, made_up_stays())
        stay = folder / "set-c" / f"{FIRST}.txt"
        stay.write_bytes(bytes(300_000))
        with pytest.raises(DataError, match=r"200001.txt is no file of the Challenge 2012: it is larger than 262144"):
            load_stays(folder)
        stay.unlink()
        with pytest.raises(DataError, match=r"set-c lacks 1 of the 120 stays in Outcomes-c.txt .*: 200001;"):
            load_stays(folder)
        os.mkfifo(stay)  # opening it would wait for ever
        with pytest.raises(DataError, match=r"200001.txt is missing, or no regular file"):
            load_stays(folder)

    def test_more_stays_than_any_set_has_are_refused(self, folder: Path, tmp_path: Path) -> None:
        crowd = dict.fromkeys(range(1, 152), "")
        with pytest.raises(DataError, match=r"set-c holds 151 stays, and no set has more than 150"):
            load_stays(write_unpacked(tmp_path / "crowd", crowd))
        outcomes = folder / "Outcomes-c.txt"
        outcomes.write_text(outcomes_text(range(1, 20_002)))
        with pytest.raises(DataError, match=r"Outcomes-c.txt holds 20001 stays, and no set has more than 20000"):
            load_stays(folder)

    def test_what_else_lies_in_an_unpacked_set_is_not_read(self, tmp_path: Path, dataset: Dataset) -> None:
        folder = write_unpacked(tmp_path, made_up_stays())
        (folder / "set-c" / "index.html").write_text("<html>")
        (folder / "SHA256SUMS.txt").write_text("0")
        assert load_stays(folder).provenance == dataset.provenance

    def test_a_stay_in_two_sets_is_refused(self, folder: Path) -> None:
        write_unpacked(folder, {FIRST: stay_text(FIRST)}, letter="b")
        with pytest.raises(DataError, match=r"Outcomes-c.txt and another set both hold stay 200001"):
            load_stays(folder)

    def test_too_few_stays_of_an_outcome_are_refused(self, tmp_path: Path) -> None:
        few = dict(list(made_up_stays().items())[:40])
        with pytest.raises(DataError, match=r"train split has \d+ stays with outcome survived, and at least 20"):
            load_stays(write_packed(tmp_path, few))
        empty = {number: stay_text(number, []) for number in made_up_stays()}
        with pytest.raises(DataError, match=r"has 0 stays .* 120 stays in which nothing was measured are left out\."):
            load_stays(write_packed(tmp_path / "empty", empty))
        nobody_died = {number: text for number, text in made_up_stays().items() if number % 2 == 0}
        folder = write_packed(tmp_path / "alive", nobody_died)
        with pytest.raises(DataError, match="0 stays with outcome died"):
            load_stays(folder)
        assert len(load_stays(folder, classes=["survived"]).train) == 35

    def test_damaged_archives_are_refused_whatever_the_damage(self, folder: Path) -> None:
        """Inside the gzip, so that no checksum but tar's own notices."""
        path, random_ = folder / "set-c.tar.gz", random.Random(5)  # noqa: S311 - damage need not be secret
        tar = gzip.decompress(path.read_bytes())
        whole = load_stays(folder).provenance.digest
        refused = 0
        for _ in range(150):
            damaged = bytearray(tar)
            block = 512 * random_.randrange(len(tar) // 512)
            for _ in range(random_.choice([1, 3, 20])):
                damaged[block + random_.randrange(512)] = random_.randrange(256)
            path.write_bytes(gzip.compress(damaged, compresslevel=1))
            try:
                assert load_stays(folder).provenance.digest
            except DataError:
                refused += 1
        assert refused > 50
        path.write_bytes(gzip.compress(tar))
        assert load_stays(folder).provenance.digest == whole

    def test_nothing_is_unpacked_to_disk(self, folder: Path) -> None:
        before = sorted(folder.rglob("*"))
        load_stays(folder)
        assert sorted(folder.rglob("*")) == before


@pytest.fixture(scope="module")
def challenge() -> Path:
    folder = Path(os.environ.get("EDGEWARD_DATA", ""), "challenge-2012")
    if not (folder / "set-c.tar.gz").is_file():
        pytest.skip("EDGEWARD_DATA does not name a folder that holds challenge-2012/set-c.tar.gz")
    return folder


@pytest.fixture(scope="module")
def recorded(challenge: Path) -> Dataset:
    return load_dataset("icu-stays", challenge)


@pytest.mark.real_data
class TestRealSet:
    def test_stays_and_deaths_are_those_of_the_publisher_but_for_six_stays(
        self, recorded: Dataset, challenge: Path
    ) -> None:
        outcomes = pd.read_csv(challenge / "Outcomes-c.txt", index_col="RecordID")["In-hospital_death"]
        found = splits(recorded)
        assert {name: len(split) for name, split in found.items()} == {"train": 2370, "validation": 824, "test": 800}
        for split in found.values():
            assert split.columns["outcome"].tolist() == outcomes[split.patients.astype(int)].tolist()
            assert 0.12 < split.columns["outcome"].mean() < 0.17
        notes = "\n".join(recorded.provenance.notes)
        assert "4 stays whose sex is not told are left out." in notes
        assert "2 stays in which nothing was measured are left out." in notes

    def test_hours_are_those_that_pandas_finds(self, recorded: Dataset, challenge: Path) -> None:
        place = {
            patient: (split, row) for split in splits(recorded).values() for row, patient in enumerate(split.patients)
        }
        compared = 0
        with tarfile.open(challenge / "set-c.tar.gz") as archive:
            for info in archive.getmembers()[1:4000:80]:
                file = archive.extractfile(info)
                assert file
                patient = Path(info.name).stem
                if patient not in place:
                    continue
                split, row = place[patient]
                expected = by_pandas(pd.read_csv(io.BytesIO(file.read())))
                np.testing.assert_allclose(split.samples[row], expected, rtol=1e-6)
                compared += int((~np.isnan(expected)).sum())
        assert compared > 10_000

    def test_pressures_keep_their_order_and_every_channel_is_measured_in_one_stay_in_twenty(
        self, recorded: Dataset
    ) -> None:
        samples = np.concatenate([split.samples for split in splits(recorded).values()])
        systolic, diastolic = (samples[:, CHANNELS.index(name)] for name in ("SysABP", "DiasABP"))
        assert (systolic <= diastolic).mean() < 1e-4
        assert (~np.isnan(samples)).any(axis=2).mean(axis=0).min() > 0.05


def by_pandas(lines: pd.DataFrame) -> np.ndarray:
    """[channels, 48] from the lines of a stay."""
    channels = {channel.name: channel for channel in stay_schema().channels}
    lines = lines[lines["Parameter"].isin(channels) & (lines["Value"] != -1)]
    low, high = (
        lines["Parameter"].map(lambda name, end=end: getattr(channels[name], end)) for end in ("minimum", "maximum")
    )
    lines = lines[(lines["Value"] >= low) & (lines["Value"] <= high)]
    hour = lines["Time"].str.split(":").str[0].astype(int).clip(upper=47)
    grouped = lines.groupby(["Parameter", hour])["Value"]
    grid = grouped.last().unstack().reindex(index=CHANNELS, columns=range(48))
    volumes = grouped.sum().unstack().reindex(index=CHANNELS, columns=range(48))
    grid.loc["Urine"] = volumes.loc["Urine"].where(volumes.loc["Urine"] <= channels["Urine"].maximum)
    return grid.to_numpy()
