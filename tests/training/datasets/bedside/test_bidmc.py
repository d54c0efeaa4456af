"""Bedside windows of BIDMC: channels and numbers belong together, faults are left out, subjects stay apart."""

import itertools
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.benchmarks.quality.fidelity.strips import mean_rr_ms, pressures_mmhg, pulse_rate, r_to_pulse_ms
from edgeward.benchmarks.quality.judge import scored_classes
from edgeward.runtime.errors import DataError, RequestError
from edgeward.training.datasets import Dataset, Split, load_dataset
from edgeward.training.datasets.bedside.bidmc import load_bidmc, load_bidmc_with_pressure
from edgeward.training.datasets.bedside.bidmc_record import read_bidmc_header, read_bidmc_record
from edgeward.training.datasets.bedside.bidmc_split import deal_subjects
from edgeward.training.datasets.bedside.bidmc_windows import RecordWindows, cut_windows
from edgeward.training.datasets.bedside.definition import bedside_schema
from edgeward.training.datasets.records import task_of
from hypothesis import given
from hypothesis import strategies as st

SECONDS = 120
WINDOW_S = 1024 / 125
TOLD = 12
"""Of the 14 windows of 120 s, those whose respiratory rate is shown, 14 s later, before the end."""
Arrays = dict[str, npt.NDArray[np.float64]]
Change = Callable[[Arrays], object]


def unchanged(arrays: Arrays) -> None:
    """As it is."""


def waves() -> Arrays:
    times = np.arange(SECONDS * 125 + 1) / 125
    beats = np.arange(0.25, SECONDS, 0.75)
    return {
        "RESP": 0.5 + 0.4 * np.sin(2 * np.pi * 0.25 * times),
        "PLETH": 0.5 + 0.3 * np.sin(2 * np.pi * times / 0.75),
        "II": 0.4 + np.exp(-0.5 * ((times[:, None] - beats) / 0.02) ** 2).sum(axis=1) + 0.01 * np.sin(107 * times),
        "ABP": 90.0 + 30.0 * np.sin(2 * np.pi * (times - 0.2) / 0.75),
    }


def numbers() -> Arrays:
    """Usual in the first half, fast in the second."""
    shown = np.arange(SECONDS + 1) < 60
    constants = {"PULSE": 79.0, "RESP": 15.0, "SpO2": 97.0}
    return {"HR": np.where(shown, 80.0, 120.0)} | {n: np.full(SECONDS + 1, value) for n, value in constants.items()}


@pytest.fixture(scope="session")
def write_bidmc(write_record: Callable[..., None]) -> Callable[..., None]:
    def write(
        folder: Path,
        name: str,
        *,
        subject: str,
        sex: str = "F",
        age: str = "70",
        pressure: str = "",
        change: Change = unchanged,
        change_numbers: Change = unchanged,
    ) -> None:
        signals, shown = waves(), numbers()
        change(signals)
        change_numbers(shown)
        abp = signals.pop("ABP")
        units = ["pm", "NU", "mV"]
        if pressure:
            signals[pressure] = abp
            units.append("mmHg")
        comments = [f"<age>: {age} <sex>: {sex} <location>: micu <subject>: {subject}"]
        write_record(folder, name, signals, fs=125, units=units, gain=120.0 if pressure else 5000.0, comments=comments)
        units = ["bpm", "bpm", "pm", "%"]
        write_record(folder, f"{name}n", shown, fs=1, units=units, gain=100.0, comments=comments)

    return write


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, write_bidmc: Callable[..., None]) -> Path:
    """Sixteen records of fifteen subjects, the first five of them with an arterial pressure."""
    folder = tmp_path_factory.mktemp("whole") / "bidmc"
    for number in range(1, 17):
        subject = min(number, 15)
        write_bidmc(
            folder,
            f"bidmc{number:02d}",
            subject=f"s{subject:02d}",
            sex="FM"[subject % 2],
            age="90+" if subject == 3 else str(30 + subject),
            pressure=("ABP" if number % 2 else "ART") if number <= 5 else "",
        )
    return folder


@pytest.fixture(scope="module")
def dataset(whole: Path) -> Dataset:
    return load_bidmc(whole)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "bidmc"))


def splits(dataset: Dataset) -> dict[str, Split]:
    return {name: getattr(dataset, name) for name in ("train", "validation", "test")}


def cut(folder: Path, name: str = "bidmc01", *, pressure: bool = False) -> RecordWindows:
    return cut_windows(read_bidmc_record(read_bidmc_header(folder, name)), pressure=pressure)


@pytest.fixture
def record(tmp_path: Path, write_bidmc: Callable[..., None]) -> Callable[..., RecordWindows]:
    """The windows of one record written with these changes."""

    def windows(
        change: Change = unchanged, change_numbers: Change = unchanged, *, pressure: bool = False
    ) -> RecordWindows:
        write_bidmc(
            tmp_path,
            "bidmc01",
            subject="s1",
            pressure="ABP" if pressure else "",
            change=change,
            change_numbers=change_numbers,
        )
        return cut(tmp_path, pressure=pressure)

    return windows


class TestWindows:
    def test_they_follow_one_another_from_the_beginning(self, record: Callable[..., RecordWindows]) -> None:
        windows = record().samples
        assert windows.shape == (TOLD, 3, 1024)
        pleth = np.concatenate([window[1] for window in windows])
        np.testing.assert_allclose(pleth, waves()["PLETH"][: len(pleth)], atol=2e-4)
        resp = np.concatenate([window[2] for window in windows])
        np.testing.assert_allclose(resp, waves()["RESP"][: len(resp)], atol=2e-4)

    def test_lead_ii_is_in_mv_about_zero_with_its_beats_in_place(self, record: Callable[..., RecordWindows]) -> None:
        lead = np.concatenate([window[0] for window in record().samples])
        beats = np.round(np.arange(1.0, TOLD * WINDOW_S - 1.0, 0.75) * 125).astype(int)
        assert abs(np.median(lead)) < 0.1
        for beat in beats:
            assert abs(lead[beat - 20 : beat + 21].argmax() - 20) <= 1
            assert lead[beat] == pytest.approx(1.0 - np.sqrt(2 * np.pi) * 0.02 / 0.75, abs=0.05)

    def test_numbers_are_those_shown_6_and_14_s_later(self, record: Callable[..., RecordWindows]) -> None:
        def rising(shown: Arrays) -> None:
            seconds = np.arange(SECONDS + 1.0)
            shown["HR"], shown["RESP"], shown["SpO2"] = 60.0 + 0.1 * seconds, 10.0 + 0.1 * seconds, 80.0 + 0.1 * seconds

        columns = record(change_numbers=rising).columns
        middle_s = (np.arange(TOLD) + 0.5) * WINDOW_S
        # Averages of whole seconds, of which the middle may lie half a second off.
        assert columns["heart_rate"] == pytest.approx(60.0 + 0.1 * (middle_s + 6.0), abs=0.051)
        assert columns["respiratory_rate"] == pytest.approx(10.0 + 0.1 * (middle_s + 14.0), abs=0.051)
        assert columns["spo2"] == pytest.approx(80.0 + 0.1 * (middle_s + 6.0), abs=0.051)
        assert columns["age"].tolist() == [70.0] * TOLD
        assert columns["sex"].tolist() == [0.0] * TOLD

    def test_a_pleth_from_0_to_4_is_divided_and_respiration_squeezed(
        self, record: Callable[..., RecordWindows]
    ) -> None:
        def wide(signals: Arrays) -> None:
            signals["PLETH"] *= 4.0
            signals["RESP"] = 0.5 + 3.0 * (signals["RESP"] - 0.5)  # from -0.7 to 1.7

        usual, rescaled = record(), record(wide)
        assert (usual.rescaled, rescaled.rescaled) == ((), ("PLETH", "RESP"))
        np.testing.assert_allclose(rescaled.samples[:, 1], usual.samples[:, 1], atol=2e-4)
        resp = rescaled.samples[:, 2]
        assert (resp.min(), resp.max()) == (0.0, 1.0)
        np.testing.assert_allclose((resp - 0.5) / 1.25, usual.samples[:, 2] - 0.5, atol=2e-4)


FAULTS: dict[str, tuple[Change, Change, str, int]] = {
    "invalid II": (lambda s: s["II"].__setitem__(3600, np.nan), unchanged, "with invalid samples", 1),
    # The filter hides a second to either side, of which the next window begins.
    "invalid II at an end": (lambda s: s["II"].__setitem__(4090, np.nan), unchanged, "with invalid samples", 2),
    "invalid PLETH": (lambda s: s["PLETH"].__setitem__(4090, np.nan), unchanged, "with invalid samples", 1),
    "flat II": (lambda s: s["II"].__setitem__(slice(4200, 4340), 1.5), unchanged, "with a flat II", 1),
    "flat PLETH": (lambda s: s["PLETH"].__setitem__(slice(4200, 4340), 0.5), unchanged, "with a flat PLETH", 1),
    "faint PLETH": (lambda s: s.update(PLETH=0.5 + 0.02 * s["PLETH"]), unchanged, "with a flat PLETH", TOLD),
    "no breath": (lambda s: s["RESP"].__setitem__(slice(4200, 4800), 0.0), unchanged, "with a flat RESP", 1),
    "no HR": (unchanged, lambda n: n["HR"].__setitem__(24, np.nan), "for which the monitor shows no HR", 1),
    "HR of 0": (unchanged, lambda n: n["HR"].__setitem__(24, 0.0), "for which the monitor shows no HR", 1),
    "no SpO2": (unchanged, lambda n: n["SpO2"].__setitem__(24, np.nan), "for which the monitor shows no SpO2", 1),
    "RESP of 0": (unchanged, lambda n: n["RESP"].__setitem__(24, 0.0), "for which the monitor shows no RESP", 1),
    "never RESP": (unchanged, lambda n: n["RESP"].fill(np.nan), "for which the monitor shows no RESP", TOLD),
}


class TestFaults:
    @pytest.mark.parametrize(("change", "change_numbers", "why", "count"), FAULTS.values(), ids=FAULTS)
    def test_windows_with_them_are_left_out_and_counted(
        self, record: Callable[..., RecordWindows], change: Change, change_numbers: Change, why: str, count: int
    ) -> None:
        windows = record(change, change_numbers)
        after_the_end = "whose numbers would come after the end of the record"
        assert windows.left_out == {why: count, after_the_end: 14 - TOLD}
        assert len(windows.samples) == TOLD - count
        assert np.isfinite(windows.samples).all()
        assert {len(column) for column in windows.columns.values()} == {TOLD - count}

    def test_a_pause_between_breaths_is_none(self, record: Callable[..., RecordWindows]) -> None:
        windows = record(lambda signals: signals["RESP"].__setitem__(slice(4200, 4600), 0.1))
        assert len(windows.samples) == TOLD

    @pytest.mark.parametrize(
        "change",
        {
            "flushed": lambda abp: abp.__setitem__(slice(4200, 4600), 185.2),
            "beyond any": lambda abp: abp.__setitem__(slice(4300, 4310), [180.0, 260.0] * 5),
            "zeroed": lambda abp: abp.__setitem__(slice(4300, 4320), np.linspace(5.0, 0.0, 20)),
            "damped": lambda abp: abp.__setitem__(slice(4096, 5120), 90.0 + 0.3 * (abp[4096:5120] - 90.0)),
            "shaken": lambda abp: abp.__setitem__(slice(4300, 4400), abp[4300:4400] + 40.0),
        }.items(),
        ids=lambda change: change[0],
    )
    def test_pressure_that_cannot_be_trusted_is_left_out(
        self, record: Callable[..., RecordWindows], change: tuple[str, Callable[[npt.NDArray[np.float64]], None]]
    ) -> None:
        windows = record(lambda signals: change[1](signals["ABP"]), pressure=True)
        assert len(windows.samples) == TOLD - 1
        assert sum(count for why, count in windows.left_out.items() if "ABP" in why) == 1
        assert len(record(pressure=True).samples) == TOLD

    def test_the_pressure_stays_in_mmhg(self, record: Callable[..., RecordWindows]) -> None:
        pressure = record(pressure=True).samples[:, 2]
        assert (pressure.min(), pressure.max()) == (pytest.approx(60.0, abs=0.1), pytest.approx(120.0, abs=0.1))


class TestDataset:
    def test_schema_and_columns_are_those_of_bedside_windows(self, dataset: Dataset) -> None:
        schema = bedside_schema(pressure=False)
        assert (dataset.schema.name, dataset.schema.shape) == ("bedside-windows", schema.shape)
        assert dataset.schema.channels == schema.channels  # type: ignore[union-attr]
        assert [condition.name for condition in dataset.schema.conditions] == [c.name for c in schema.conditions]
        assert dataset.label.name == "heart_rate_band"
        assert dataset.label.values == ("usual", "fast")
        for split in splits(dataset).values():
            band = np.array(["usual", "fast"])[split.columns["heart_rate_band"].astype(int)]
            assert np.array_equal(band == "fast", split.columns["heart_rate"] > 100.0)
            assert split.samples.shape == (len(split), 3, 1024)
            assert set(split.attributes) == {"sex", "age"}

    def test_open_conditions_are_drawn_as_train_has_them(self, dataset: Dataset) -> None:
        heart_rate = next(c for c in dataset.schema.conditions if c.name == "heart_rate")
        rates = dataset.train.columns["heart_rate"]
        assert (heart_rate.minimum, heart_rate.maximum) == (80.0, 120.0)  # type: ignore[union-attr]
        assert heart_rate.quantiles[10] == pytest.approx(np.median(rates), abs=0.1)  # type: ignore[union-attr]
        fast = float(np.mean(dataset.train.columns["heart_rate_band"]))
        assert dataset.label.shares == (pytest.approx(1.0 - fast, abs=1e-3), pytest.approx(fast, abs=1e-3))

    def test_no_subject_is_in_two_splits_and_all_its_records_are_in_one(self, dataset: Dataset) -> None:
        subjects = [set(split.patients.tolist()) for split in splits(dataset).values()]
        assert [len(names) for names in subjects] == [9, 3, 3]
        assert len(set.union(*subjects)) == 15
        of_two_records = [int((split.patients == "s15").sum()) for split in splits(dataset).values()]
        assert sorted(of_two_records) == [0, 0, 2 * TOLD]

    def test_an_age_of_90_and_more_is_90(self, dataset: Dataset) -> None:
        for split in splits(dataset).values():
            of_s03 = split.patients == "s03"
            assert set(split.columns["age"][of_s03].tolist()) <= {90.0}
            assert set(split.attributes["age"][of_s03].tolist()) <= {"65 and over"}
            assert set(split.attributes["sex"].tolist()) == {"F", "M"}

    def test_provenance_says_kind_licence_and_what_was_decided(self, whole: Path, dataset: Dataset) -> None:
        provenance = dataset.provenance
        assert (provenance.kind, provenance.licence, provenance.synthetic) == ("bedside-windows", "ODC-BY-1.0", False)
        assert "Pimentel" in provenance.attribution
        assert "Goldberger" in provenance.attribution
        assert any("32 windows whose numbers would come after" in note for note in provenance.notes)
        assert load_bidmc(whole).provenance.digest == provenance.digest
        assert re.fullmatch("[0-9a-f]{64}", provenance.digest)

    def test_bands_asked_for_are_kept_alone(self, whole: Path) -> None:
        assert load_bidmc(whole, classes=["fast"]).train.columns["heart_rate"].min() > 100.0

    def test_with_pressure_only_its_subjects_are_read_and_parted_as_without(
        self, whole: Path, dataset: Dataset
    ) -> None:
        seen: list[tuple[int, int, str]] = []
        with_pressure = load_bidmc_with_pressure(whole, on_progress=lambda *step: seen.append(step))
        assert [step[:2] for step in seen] == [(k, 5) for k in range(1, 6)]
        assert with_pressure.provenance.kind == with_pressure.schema.name == "bedside-windows-abp"
        assert [channel.name for channel in with_pressure.schema.channels] == ["II", "PLETH", "ABP", "RESP"]  # type: ignore[union-attr]
        for name, split in splits(with_pressure).items():
            subjects = set(split.patients.tolist())
            assert len(subjects) == {"train": 3, "validation": 1, "test": 1}[name]
            assert subjects <= set(splits(dataset)[name].patients.tolist())
        assert any("nothing measured on them holds for others" in note for note in with_pressure.provenance.notes)


class TestDeal:
    @given(
        sexes=st.dictionaries(st.text(min_size=1, max_size=8), st.sampled_from("FM"), min_size=5, max_size=60),
        data=st.data(),
    )
    def test_every_subject_is_in_one_split_and_splits_have_their_shares(
        self, sexes: Mapping[str, str], data: st.DataObject
    ) -> None:
        some = data.draw(st.sets(st.sampled_from(sorted(sexes))))
        parts = deal_subjects(sexes, some)
        assert set(parts) == set(sexes)
        for share, part in ((0.6, "train"), (0.2, "validation"), (0.2, "test")):
            assert abs(list(parts.values()).count(part) - share * len(parts)) < 1.5
            for sex in "FM":
                of_sex = [name for name in sexes if sexes[name] == sex]
                # Two runs of cards hold a sex, and at either end of each a turn of five may be cut.
                assert abs(sum(parts[name] == part for name in of_sex) - share * len(of_sex)) < 4.0
        reordered = dict(reversed(list(sexes.items())))
        assert deal_subjects(reordered, some) == parts
        alone = {name: sexes[name] for name in some}
        assert deal_subjects(alone, some) == {name: parts[name] for name in some}


def header(old: str, new: str, name: str = "bidmc02") -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / f"{name}.hea").read_text()
        assert old in text
        (folder / f"{name}.hea").write_text(text.replace(old, new))

    return change


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no numbers": (lambda f: (f / "bidmc02n.hea").unlink(), r"headers of 1 of .*: bidmc02n;"),
    "no numbers' samples": (lambda f: (f / "bidmc02n.dat").unlink(), r"bidmc02n\.dat is missing"),
    "no samples": (lambda f: (f / "bidmc02.dat").unlink(), r"bidmc02\.dat is missing"),
    "truncated": (bytes_of("bidmc02.dat", lambda b: b[:-7]), r"bidmc02\.dat is truncated: 120001 bytes, .* 120008"),
    "flipped byte": (bytes_of("bidmc02.dat", lambda b: b[:9] + bytes([b[9] ^ 1]) + b[10:]), r"bidmc02\.dat is damaged"),
    "flipped number": (
        bytes_of("bidmc02n.dat", lambda b: b[:9] + bytes([b[9] ^ 1]) + b[10:]),
        r"bidmc02n\.dat is damaged: .* checksum",
    ),
    "no subject": (header("<subject>: s02", ""), r"bidmc02\.hea is not .* do not tell age, sex and subject"),
    "no age": (header("<age>: 32", "<age>: NaN"), "do not tell age, sex and subject"),
    "numbers of another": (header("s02", "s99", "bidmc02n"), r"bidmc02n\.hea .* of another subject than bidmc02\.hea"),
    "two sexes": (
        lambda f: [header("<sex>: M", "<sex>: F", f"bidmc16{n}")(f) for n in ("", "n")],
        r"subject s15 is M in one record and F in bidmc16",
    ),
    "no pleth": (header(" PLETH", " SPO2"), r"its signals are RESP, SPO2, II, ART, and exactly one must be PLETH"),
    "two leads II": (header(" PLETH", " II"), "exactly one must be II|exactly one must be PLETH"),
    "no heart rate": (header(" HR", " BR", "bidmc02n"), "exactly one must be HR"),
    "II in volts": (header("/mV", "/V"), "its lead II is not in mV"),
    "other rate": (header(" 125 ", " 250 "), "its sampling rate is 250 Hz, not 125"),
    "numbers' rate": (header(" 1 121", " 2 121", "bidmc02n"), "its sampling rate is 2 Hz, not 1"),
    "too short": (header(" 15001", " 600"), "describes less than 10 s"),
    "pleth of other units": (header("120.0(0)/NU", "12.0(0)/NU"), "its PLETH goes beyond 0 to 4"),
}


class TestBadInput:
    @pytest.mark.parametrize(("damage", "message"), BAD.values(), ids=BAD)
    def test_a_bad_record_is_refused_by_name_with_cause_and_remedy(
        self, folder: Path, damage: Callable[[Path], object], message: str
    ) -> None:
        damage(folder)
        with pytest.raises(DataError, match=message) as refused:
            load_bidmc(folder)
        assert "physionet.org/content/bidmc" in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no folder .*none; download .* or use the data 'simulated'"):
            load_dataset("bedside-windows", tmp_path / "none")

    def test_the_folder_above_is_answered_with_the_right_one(self, folder: Path) -> None:
        with pytest.raises(DataError, match="name .*bidmc instead"):
            load_dataset("bedside-windows-abp", folder.parent)

    def test_another_database_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "100.hea").write_text("")
        with pytest.raises(DataError, match="holds other WFDB records, so no BIDMC records; download"):
            load_bidmc(tmp_path)

    def test_half_a_download_is_told(self, folder: Path) -> None:
        (folder / "RECORDS").write_text("".join(f"bidmc{k:02d}\nbidmc{k:02d}n\n" for k in range(1, 20)))
        with pytest.raises(DataError, match=r"3 of 19 records \(half a download\?\): bidmc17, bidmc18, bidmc19;"):
            load_bidmc(folder)

    def test_numbers_that_are_missing_are_told_before_any_record_is_read(self, folder: Path) -> None:
        (folder / "bidmc14n.hea").unlink()
        seen: list[str] = []
        with pytest.raises(DataError, match=r"headers of 1 of \d+ records \(half a download\?\): bidmc14n;"):
            load_bidmc(folder, on_progress=lambda *step: seen.append(step[2]))
        assert not seen

    def test_an_unknown_band_is_refused_before_anything_is_read(self, tmp_path: Path) -> None:
        with pytest.raises(RequestError, match=r"no heart_rate_band 'rapid'; give some of slow,usual,fast"):
            load_bidmc(tmp_path / "none", classes=["rapid"])

    def test_too_few_subjects_are_refused(self, folder: Path) -> None:
        for path in folder.glob("bidmc0[2-9]*"):
            path.unlink()
        with pytest.raises(DataError, match="records of 1 subjects with an arterial pressure, and at least 5 are"):
            load_bidmc_with_pressure(folder)
        for path in folder.glob("bidmc1[1-4]*"):
            path.unlink()
        with pytest.raises(DataError, match="records of 3 subjects, and at least 5 are needed to part them"):
            load_bidmc(folder)

    def test_a_band_with_too_few_windows_is_refused(self, whole: Path) -> None:
        with pytest.raises(DataError, match=r"heart_rate_band slow has 0 windows .* with --classes usual,fast$"):
            load_bidmc(whole, classes=["slow", "usual"])


@pytest.fixture(scope="module")
def real_bidmc(real_data: Path) -> Path:
    if not (real_data / "bidmc").is_dir():
        pytest.skip("EDGEWARD_DATA holds no bidmc/")
    return real_data / "bidmc"


@pytest.mark.real_data
class TestRealData:
    def test_windows_subjects_and_classes_are_enough_to_be_judged(self, real_bidmc: Path) -> None:
        dataset = load_dataset("bedside-windows", real_bidmc)
        found = splits(dataset)
        assert [len(split) for split in found.values()] == [1329, 421, 614]
        subjects = [set(split.patients.tolist()) for split in found.values()]
        assert [len(names) for names in subjects] == [22, 7, 8]
        assert not any(one & other for one, other in itertools.combinations(subjects, 2))
        women = [len(set(split.patients[split.attributes["sex"] == "F"].tolist())) for split in found.values()]
        assert women == [13, 4, 5]
        assert scored_classes(task_of(dataset)) == ([0, 1], [])
        # Our detectors know nothing of the monitor's numbers.
        test = dataset.test
        for rate in (60_000.0 / mean_rr_ms(test.samples, 0, 125.0), pulse_rate(test.samples, 1, 125.0)):
            assert np.nanmedian(np.abs(rate - test.columns["heart_rate"])) < 1.0
        # Of a fast heart the next R peak comes before the pulse of this one, so the delay cannot be told.
        delays = r_to_pulse_ms(test.samples[test.columns["heart_rate"] < 90.0], 0, 1, 125.0)
        assert np.mean((delays > 450.0) & (delays < 650.0)) > 0.95

    def test_pressures_are_those_of_people(self, real_bidmc: Path) -> None:
        dataset = load_dataset("bedside-windows-abp", real_bidmc)
        assert [len(np.unique(split.patients)) for split in splits(dataset).values()] == [3, 1, 1]
        systolic, diastolic = pressures_mmhg(dataset.train.samples, 2, 125.0)
        assert not np.isnan(systolic).any()
        assert 60.0 < systolic.min() < systolic.max() < 200.0
        assert 30.0 < diastolic.min() < diastolic.max() < 120.0
        assert (systolic - diastolic).min() > 20.0
