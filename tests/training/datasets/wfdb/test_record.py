"""Reading any WFDB record: what wfdb writes is read back, and what is damaged or foreign is refused by name."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.wfdb.annotations import read_annotations
from edgeward.training.datasets.wfdb.record import Origin, read_header, read_signals, refuse_invalid
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ORIGIN = Origin("a record of this test", "get another")
LENGTH = 1001


@pytest.fixture
def folder(tmp_path: Path, write_record: Callable[..., None]) -> Path:
    """Two leads of 1001 samples at 250 Hz in format 16, and annotations."""
    time = np.arange(LENGTH)
    write_record(tmp_path, "r1", {"I": np.sin(time / 9), "aVF": np.cos(time / 7)}, fs=250, units=["mV", "uV"])
    wfdb.wrann(
        "r1", "atr", np.array([3, 500, 900]), ["+", "N", "V"], aux_note=["(AFIB", "", ""], write_dir=str(tmp_path)
    )
    shutil.copy(tmp_path / "r1.hea", tmp_path / "whole.hea")
    return tmp_path


class TestReading:
    @pytest.mark.parametrize("fmt", ["16", "212"])
    @pytest.mark.parametrize("rate", [1, 62.5, 128, 257, 1000])
    @pytest.mark.parametrize("signals", [1, 2, 3, 12])
    def test_any_rate_and_number_of_signals_is_read_as_wfdb_reads_it(
        self, tmp_path: Path, write_record: Callable[..., None], fmt: str, rate: float, signals: int
    ) -> None:
        rng = np.random.default_rng(0)
        values = {f"S{k}": rng.uniform(-5, 5, LENGTH) for k in range(signals)}
        write_record(tmp_path, "r", values, fs=rate, units=["mV"] * signals, fmt=fmt)
        header = read_header(tmp_path, "r", ORIGIN)
        assert (header.sampling_rate_hz, header.length, header.name) == (rate, LENGTH, "r")
        assert [signal.name for signal in header.signals] == list(values)
        oracle = wfdb.rdrecord(str(tmp_path / "r")).p_signal.T
        assert np.array_equal(read_signals(header), oracle)
        np.testing.assert_allclose(oracle, list(values.values()), atol=0.5 / 200)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        fmt=st.sampled_from(["16", "212"]),
        lengths=st.integers(1, 40),
        signals=st.integers(1, 3),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_every_digital_value_comes_back(
        self, tmp_path: Path, fmt: str, lengths: int, signals: int, seed: int
    ) -> None:
        limit = {"16": 2**15, "212": 2**11}[fmt]
        digital = np.random.default_rng(seed).integers(1 - limit, limit, (lengths, signals))
        wfdb.wrsamp(
            "h",
            fs=100,
            units=["mV"] * signals,
            sig_name=[f"S{k}" for k in range(signals)],
            d_signal=digital,
            fmt=[fmt] * signals,
            adc_gain=[1.0] * signals,
            baseline=[0] * signals,
            write_dir=str(tmp_path),
        )
        assert np.array_equal(read_signals(read_header(tmp_path, "h", ORIGIN)), digital.T)

    def test_signals_may_lie_in_several_files(self, tmp_path: Path, write_record: Callable[..., None]) -> None:
        for name, level in (("a", 1.0), ("b", 2.0)):
            write_record(tmp_path, name, {"X": np.full(50, level)}, fs=10, units=["mV"])
        lines = [(tmp_path / f"{name}.hea").read_text().splitlines()[1] for name in "ab"]
        (tmp_path / "c.hea").write_text("c 2 10 50\n" + "\n".join(lines) + "\n")
        assert read_signals(read_header(tmp_path, "c", ORIGIN)).mean(axis=1).tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("fmt", ["16", "212"])
    def test_invalid_samples_are_nan_and_can_be_refused_by_lead_and_time(
        self, tmp_path: Path, write_record: Callable[..., None], fmt: str
    ) -> None:
        second = np.zeros(500)
        second[[125, 126]] = np.nan
        write_record(tmp_path, "r", {"I": np.zeros(500), "II": second}, fs=125, units=["mV", "mV"], fmt=fmt)
        header = read_header(tmp_path, "r", ORIGIN)
        signals = read_signals(header)
        assert np.argwhere(np.isnan(signals)).tolist() == [[1, 125], [1, 126]]
        with pytest.raises(DataError, match=r"r\.dat: II has 2 invalid .* first at sample 125 \(1\.00 s\); leave"):
            refuse_invalid(header, signals)
        refuse_invalid(header, np.zeros((2, 500)))

    def test_a_comma_left_in_a_name_is_not_part_of_it(self, folder: Path) -> None:
        text = (folder / "r1.hea").read_text()
        (folder / "r1.hea").write_text(text.replace(" aVF", " aVF,"))
        assert read_header(folder, "r1", ORIGIN).signals[1].name == "aVF"

    def test_a_header_without_signals_is_one(self, folder: Path) -> None:
        (folder / "r1.hea").write_text("r1 0 250 1001\n# no signals\n")
        header = read_header(folder, "r1", ORIGIN)
        assert (header.signals, header.comments) == ((), ("no signals",))

    def test_annotations_come_with_their_notes(self, folder: Path) -> None:
        found = read_annotations(folder / "r1.atr", LENGTH, ORIGIN)
        assert found.samples.tolist() == [3, 500, 900]
        assert found.symbols.tolist() == ["+", "N", "V"]
        assert found.notes == ("(AFIB", "", "")


def edit(old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / "r1.hea").read_text()
        assert old in text
        (folder / "r1.hea").write_text(text.replace(old, new))

    return change


def flip(folder: Path) -> None:
    content = bytearray((folder / "r1.dat").read_bytes())
    content[77] ^= 4
    (folder / "r1.dat").write_bytes(bytes(content))


def mix_formats(folder: Path) -> None:
    record, first, second = (folder / "r1.hea").read_text().splitlines()
    (folder / "r1.hea").write_text("\n".join([record, first.replace(" 16 ", " 212 "), second]) + "\n")


def resize(size: int) -> Callable[[Path], object]:
    return lambda folder: (folder / "r1.dat").write_bytes(((folder / "r1.dat").read_bytes() + b"\0" * size)[:size])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no header": (lambda f: (f / "r1.hea").unlink(), r"r1\.hea is missing; get another"),
    "empty": (lambda f: (f / "r1.hea").write_text(""), r"r1\.hea is not a WFDB header"),
    "binary": (lambda f: (f / "r1.hea").write_bytes(b"r1 2\0"), r"r1\.hea .* not plain text"),
    "not ascii": (lambda f: (f / "r1.hea").write_bytes("r1 é".encode()), r"r1\.hea .* not plain text"),
    "huge": (lambda f: (f / "r1.hea").write_bytes(b"# x\n" * 40_000), r"r1\.hea .* larger than"),
    "segments": (lambda f: (f / "r1.hea").write_text("r1/2 2 250 2\na 1\nb 1\n"), "does not describe one segment"),
    "more announced": (edit("r1 2 ", "r1 3 "), "announces 3 signals and describes 2"),
    "too many": (
        lambda f: (f / "r1.hea").write_text("r1 65 250 9\n" + "r1.dat 16 1 16 0 0 0 0 X\n" * 65),
        "announces 65 signals and describes 65, 64 at most",
    ),
    "no rate": (edit(" 250 ", " 0 "), "its sampling rate is 0 Hz"),
    "no length": (edit(" 250 1001", " 250"), "does not say how long"),
    "format": (edit("r1.dat 16 ", "r1.dat 80 "), "I is of format 80, and only 16 and 212 are read"),
    "mixed formats": (lambda f: mix_formats(f), r"the signals in r1\.dat are of several formats"),
    "frames": (edit("r1.dat 16 ", "r1.dat 16x4 "), "I has 4 samples a frame"),
    "skew": (edit("r1.dat 16 ", "r1.dat 16:3 "), "I does not begin where its file begins"),
    "offset": (edit("r1.dat 16 ", "r1.dat 16+24 "), "I does not begin where its file begins"),
    "gain": (edit("200.0(0)/mV", "-200.0(0)/mV"), "I has a gain of -200 steps a unit"),
    "no file name": (edit("r1.dat", "~"), "I is in '~', not a file beside the header"),
    "file above": (edit("r1.dat", "../r1.dat"), r"r1\.hea is not"),
    "absolute file": (edit("r1.dat", "/etc/hosts"), r"r1\.hea is not"),
    "remote file": (edit("r1.dat", "http://x.org/r1.dat"), r"r1\.hea is not"),
    "no file": (lambda f: (f / "r1.dat").unlink(), r"r1\.dat is missing, though its header is there"),
    "folder for a file": (lambda f: ((f / "r1.dat").unlink(), (f / "r1.dat").mkdir()), r"r1\.dat is missing"),
    "truncated": (resize(4003), r"r1\.dat is truncated: 4003 bytes, its header says 4004"),
    "too long": (resize(4005), r"r1\.dat is too long"),
    "length that is a lie": (edit(" 1001", " 99999999999999"), r"r1\.dat is truncated"),
    "flipped bit": (flip, r"r1\.dat is damaged: the samples of I do not add up"),
}


class TestBadRecords:
    @pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
    def test_it_is_refused_with_file_cause_and_remedy(
        self, folder: Path, damage: Callable[[Path], object], message: str
    ) -> None:
        damage(folder)
        with pytest.raises(DataError, match=message) as refused:
            read_signals(read_header(folder, "r1", ORIGIN))
        assert str(refused.value).endswith("; get another")
        assert "\n" not in str(refused.value)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_a_header_with_wrong_characters_is_read_or_refused_but_never_breaks(
        self, folder: Path, data: st.DataObject
    ) -> None:
        content = bytearray((folder / "whole.hea").read_bytes())
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
            content[place] = data.draw(st.integers(9, 126))
        (folder / "r1.hea").write_bytes(bytes(content))
        try:
            signals = read_signals(read_header(folder, "r1", ORIGIN))
        except DataError as error:
            assert re.search("; get another$|cannot be read", str(error))
        else:
            assert signals.shape[1] <= 2 * LENGTH

    def test_annotations_beyond_the_record_are_refused(self, folder: Path) -> None:
        with pytest.raises(DataError, match=r"annotation at sample 900, and the record ends at 899; get another"):
            read_annotations(folder / "r1.atr", 900, ORIGIN)

    def test_annotations_without_their_end_are_refused(self, folder: Path) -> None:
        (folder / "r1.atr").write_bytes((folder / "r1.atr").read_bytes()[:-2])
        with pytest.raises(DataError, match=r"r1\.atr is truncated or no annotation file"):
            read_annotations(folder / "r1.atr", LENGTH, ORIGIN)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(words=st.binary(min_size=2, max_size=200))
    def test_random_annotation_bytes_are_read_or_refused(self, folder: Path, words: bytes) -> None:
        (folder / "r1.atr").write_bytes(words[: len(words) // 2 * 2] + b"\0\0")
        try:
            found = read_annotations(folder / "r1.atr", LENGTH, ORIGIN)
        except DataError:
            return
        assert len(found.samples) == len(found.symbols) == len(found.notes)
        assert 0 <= found.samples[0] <= found.samples[-1] < LENGTH
