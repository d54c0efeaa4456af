"""edfio and pyedflib read the files: signals, ranges, units, annotations."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Generator
from edgeward.runtime.formats.edf import EDF
from edgeward.runtime.formats.edf_header import edf_blocks, edf_labels, edf_range
from edgeward.runtime.formats.text import plain
from edgeward.runtime.schema import Channel, SignalSchema
from hypothesis import assume, given
from hypothesis import strategies as st

edfio = pytest.importorskip("edfio")
pyedflib = pytest.importorskip("pyedflib")

SIGNALS = ["beats", "strips", "stays"]


def ignore(done: int) -> None:
    pass


def write_one(generator: Generator, path: Path, **request: object) -> np.ndarray:
    """Write sample 7 of seed 3, and give it back [channels, length]."""
    EDF.write(generator.series(1, seed=3, first=7, condition=request), path, ignore)
    return generator.generate(1, seed=3, first=7, condition=request).samples[0].astype(np.float64)


def check_close(found: np.ndarray, wanted: np.ndarray, channel: Channel) -> None:
    step = (channel.maximum - channel.minimum) / 65_534
    absent = np.isnan(wanted)
    assert np.abs(found - wanted)[~absent].max() <= 0.5001 * step
    assert (found[absent] < channel.minimum).all()


@pytest.mark.parametrize("name", SIGNALS)
def test_edfio_reads_what_was_generated_within_half_a_step(
    generators: dict[str, Generator], tmp_path: Path, name: str
) -> None:
    samples = write_one(generators[name], tmp_path / "one.edf")
    schema = generators[name].source.schema
    assert isinstance(schema, SignalSchema)
    file = edfio.read_edf(tmp_path / "one.edf")
    assert [signal.label for signal in file.signals] == [channel.name for channel in schema.channels]
    for signal, channel, wanted in zip(file.signals, schema.channels, samples, strict=True):
        assert signal.sampling_frequency == pytest.approx(schema.sampling_rate_hz, rel=1e-12)
        check_close(signal.data, wanted, channel)
        assert (signal.digital == -32768).tolist() == np.isnan(wanted).tolist()
    assert file.duration == pytest.approx(schema.duration_s)


@pytest.mark.parametrize("name", ["beats", "strips"])  # pyedflib refuses blocks of more than an hour
def test_pyedflib_reads_what_was_generated_within_half_a_step(
    generators: dict[str, Generator], tmp_path: Path, name: str
) -> None:
    samples = write_one(generators[name], tmp_path / "one.edf")
    schema = generators[name].source.schema
    assert isinstance(schema, SignalSchema)
    with pyedflib.EdfReader(str(tmp_path / "one.edf")) as file:
        assert file.filetype == pyedflib.FILETYPE_EDFPLUS
        for number, (channel, wanted) in enumerate(zip(schema.channels, samples, strict=True)):
            assert file.getSampleFrequency(number) == schema.sampling_rate_hz
            assert file.getTransducer(number) == f"SYNTHETIC, {channel.name}"
            check_close(file.readSignal(number), wanted, channel)


def test_a_channel_without_gaps_has_exactly_the_bundles_range(generators: dict[str, Generator], tmp_path: Path) -> None:
    write_one(generators["beats"], tmp_path / "one.edf")
    first, second = edfio.read_edf(tmp_path / "one.edf").signals
    assert (first.physical_min, first.physical_max, first.physical_dimension) == (-10.0, 10.0, "mV")
    assert (second.physical_min, second.physical_max) == (-5.12, 5.0)


def test_annotations_tell_the_beat_at_its_place(generators: dict[str, Generator], tmp_path: Path) -> None:
    write_one(generators["beats"], tmp_path / "one.edf", beat_class="V")
    found = {note.text: note.onset for note in edfio.read_edf(tmp_path / "one.edf").annotations}
    assert found["beat_class=V"] == pytest.approx(96 / 250)
    with pyedflib.EdfReader(str(tmp_path / "one.edf")) as file:
        onsets, _, texts = file.readAnnotations()
        assert onsets[list(texts).index("beat_class=V")] == pytest.approx(96 / 250)


def test_annotations_tell_how_a_missing_sample_is_written(generators: dict[str, Generator], tmp_path: Path) -> None:
    write_one(generators["strips"], tmp_path / "one.edf")
    texts = [note.text for note in edfio.read_edf(tmp_path / "one.edf").annotations]
    assert "ABP: -32768 is missing" in texts
    assert "II: -32768 is missing" not in texts


def test_there_is_no_date(generators: dict[str, Generator], tmp_path: Path) -> None:
    write_one(generators["beats"], tmp_path / "one.edf")
    content = (tmp_path / "one.edf").read_bytes()
    assert content[168:184] == b"01.01.8500.00.00"
    assert content[88:103] == b"Startdate X X X"


def test_a_long_signal_is_cut_into_blocks_of_whole_samples(generators: dict[str, Generator]) -> None:
    schema = generators["strips"].source.schema
    assert isinstance(schema, SignalSchema)
    blocks = edf_blocks(replace(schema, length=625_000))
    assert blocks is not None
    assert blocks.count * blocks.length == 625_000
    assert blocks.length * 4 <= 61_440
    assert float(blocks.duration_s) * 62.5 == blocks.length


@given(st.floats(-1e5, 1e5), st.floats(1e-2, 1e5), st.booleans())
def test_a_range_in_eight_characters_holds_the_channels_own(minimum: float, width: float, gaps: bool) -> None:
    channel = Channel("x", "1", minimum, minimum + width, gaps)
    found = edf_range(channel)
    assume(found is not None)
    assert found is not None
    assert len(plain(found.minimum)) <= 8
    assert len(plain(found.maximum)) <= 8
    assert found.minimum <= Decimal(repr(channel.minimum))
    assert found.maximum >= Decimal(repr(channel.maximum))
    ends = found.scale.digital(np.array([channel.minimum, channel.maximum]))
    assert -32767 <= ends[0] < ends[1] <= 32767
    assert found.scale.step <= 1.011 * width / 65_534


@pytest.mark.parametrize("ends", [(0.0, 1e12), (0.0, 1e-7), (1e7, 1e7 + 1e-3)])
def test_a_range_that_eight_characters_cannot_say_is_refused(
    generators: dict[str, Generator], ends: tuple[float, float]
) -> None:
    schema = generators["beats"].source.schema
    assert isinstance(schema, SignalSchema)
    assert "the range of x cannot be said" in EDF.refusal(replace(schema, channels=(Channel("x", "1", *ends),)))


def test_labels_that_would_be_equal_are_told_apart() -> None:
    long = "a very long channel name"
    labels = edf_labels([long, long + " too", "ä", long + " as well", "ECG"])
    assert labels == ["a very long c...", "a very long...~2", "\\xe4", "a very long...~3", "ECG"]
