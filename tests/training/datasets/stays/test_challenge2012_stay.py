"""One stay of the Challenge 2012: hours, sums, gaps and ranges are right, and every bad line is named."""

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.stays.challenge2012_files import StayText
from edgeward.training.datasets.stays.challenge2012_stay import Stay, parse_stay
from edgeward.training.datasets.stays.challenge2012_variables import LEFT_OUT, VARIABLES
from edgeward.training.datasets.stays.definition import HOURS
from hypothesis import given
from hypothesis import strategies as st

from .challenge2012_set import HEADER, Line, stay_text

NAMES = [variable.name for variable in VARIABLES]


def parsed(content: str | bytes, record_id: int = 7) -> Stay:
    data = content.encode() if isinstance(content, str) else content
    return parse_stay(StayText("7.txt", record_id, data))


def stay(*series: Line, **who: str) -> Stay:
    return parsed(stay_text(7, series, **who))


def hours(found: Stay, name: str) -> npt.NDArray[np.float32]:
    return found.series[NAMES.index(name)]


def known(found: Stay) -> dict[str, dict[int, float]]:
    return {
        name: {int(hour): float(row[hour]) for hour in np.flatnonzero(~np.isnan(row))}
        for name, row in zip(NAMES, found.series, strict=True)
        if not np.isnan(row).all()
    }


class TestGrid:
    def test_an_hour_holds_its_last_value_and_nothing_where_none_was_measured(self) -> None:
        found = stay(("00:07", "HR", "80"), ("00:59", "HR", "90"), ("01:00", "HR", "70"), ("46:59", "GCS", "9"))
        assert known(found) == {"HR": {0: 90.0, 1: 70.0}, "GCS": {46: 9.0}}
        assert found.series.shape == (len(VARIABLES), HOURS) == (36, 48)
        assert found.series.dtype == np.float32

    def test_the_later_line_of_a_moment_counts(self) -> None:
        assert known(stay(("03:00", "MAP", "85"), ("03:00", "MAP", "79"))) == {"MAP": {3: 79.0}}

    def test_the_end_of_the_last_hour_belongs_to_it(self) -> None:
        assert known(stay(("47:30", "HR", "80"), ("48:00", "HR", "82"))) == {"HR": {47: 82.0}}

    def test_urine_of_an_hour_adds_up(self) -> None:
        found = stay(
            ("02:00", "Urine", "50"), ("02:00", "Urine", "0"), ("02:40", "Urine", "70.5"), ("03:00", "Urine", "0")
        )
        assert known(found) == {"Urine": {2: 120.5, 3: 0.0}}

    def test_minus_one_is_missing_and_counted(self) -> None:
        found = stay(("00:00", "Weight", "-1"), ("01:00", "NIDiasABP", "-1"), ("01:00", "NISysABP", "110"))
        assert known(found) == {"NISysABP": {1: 110.0}}
        assert found.marked_missing == 2

    def test_numbers_may_have_an_exponent(self) -> None:
        assert known(stay(("16:30", "AST", "1.046e+04"), ("16:31", "ALT", "5e+1"))) == {
            "AST": {16: 10460.0},
            "ALT": {16: 50.0},
        }

    def test_windows_line_ends_make_no_difference(self) -> None:
        text = stay_text(7, [("00:07", "HR", "80")])
        assert known(parsed(text.replace("\n", "\r\n"))) == known(parsed(text))


class TestRanges:
    def test_an_implausible_value_is_missing_and_counted_and_leaves_an_earlier_one_of_the_hour(self) -> None:
        found = stay(
            ("00:10", "Temp", "37.2"), ("00:20", "Temp", "-17.8"), ("01:00", "pH", "735"), ("02:00", "SysABP", "0")
        )
        assert known(found) == {"Temp": {0: pytest.approx(37.2)}}
        assert found.implausible == {"Temp": 1, "pH": 1, "SysABP": 1}

    @pytest.mark.parametrize("variable", VARIABLES, ids=NAMES)
    def test_both_ends_of_every_range_are_kept_and_what_lies_beyond_is_not(self, variable: object) -> None:
        name, low, high = (getattr(variable, field) for field in ("name", "minimum", "maximum"))
        for value in (low, high):
            assert known(stay(("01:00", name, f"{value:g}"))) == {name: {1: pytest.approx(value)}}
        # -1 would be the mark of a missing value.
        for value in (low - 0.01, high + 0.01):
            found = stay(("01:00", name, f"{value:.3f}"))
            assert known(found) == {}
            assert found.implausible == {name: 1}

    def test_an_hours_urine_beyond_the_range_is_missing_and_counted_once(self) -> None:
        found = stay(("02:00", "Urine", "3000"), ("02:10", "Urine", "3000"), ("03:10", "Urine", "40"))
        assert known(found) == {"Urine": {3: 40.0}}
        assert found.implausible == {"Urine": 1}

    def test_usual_values_of_the_literature_are_plausible(self) -> None:
        """Reference values of adults (Kratz A et al., N Engl J Med 351:1548-1563, 2004), in the units of the table."""
        usual = {
            **{"HR": 70, "SysABP": 120, "DiasABP": 80, "MAP": 93, "RespRate": 16, "FiO2": 0.21, "SaO2": 98, "PaO2": 95},
            **{"PaCO2": 40, "pH": 7.4, "Temp": 37, "GCS": 15, "Na": 140, "K": 4.2, "Mg": 2.0, "HCO3": 24, "BUN": 14},
            **{"Creatinine": 1.0, "Glucose": 90, "Lactate": 1.0, "HCT": 42, "WBC": 7, "Platelets": 250, "ALP": 70},
            **{"ALT": 25, "AST": 25, "Bilirubin": 0.7, "Albumin": 4.2, "TroponinT": 0.01, "Cholesterol": 190},
        }
        found = stay(*[("01:00", name, str(value)) for name, value in usual.items()])
        assert {name: row[1] for name, row in known(found).items()} == pytest.approx(usual)


class TestPatient:
    def test_who_the_patient_is(self) -> None:
        found = stay(age="81", gender="0", icu_type="2")
        assert (found.record_id, found.age_a, found.sex, found.icu_type) == (7, 81.0, "F", "cardiac_surgery")
        assert (stay().sex, stay(icu_type="1").icu_type, stay(icu_type="4").icu_type) == ("M", "coronary", "surgical")

    @pytest.mark.parametrize("code", ["-1", "2", "0.5"])
    def test_any_other_code_is_unknown(self, code: str) -> None:
        assert stay(gender=code).sex == ""
        assert stay(icu_type={"2": "5"}.get(code, code)).icu_type == ""

    @pytest.mark.parametrize("age", ["-1", "14", "91", "300"])
    def test_an_age_that_is_no_adults_is_unknown(self, age: str) -> None:
        assert stay(age=age).age_a is None

    def test_the_weight_on_admission_is_kept_and_is_no_measurement(self) -> None:
        found = stay(("00:00", "Weight", "80"))
        assert known(found) == {"Weight": {0: 80.0}}
        assert not found.measured
        assert stay(("00:00", "Weight", "80"), ("09:00", "K", "4")).measured
        assert not stay(("09:00", "K", "40")).measured

    def test_what_is_left_out_is_counted(self) -> None:
        found = stay(("01:00", "TroponinI", "0.4"), ("01:00", "", "2.7"), ("02:00", "", "2.9"))
        assert known(found) == {}
        assert found.left_out == {"TroponinI": 1, "": 2}
        assert set(LEFT_OUT) == set(found.left_out)


GOOD = stay_text(7)


class TestDamage:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("", r"first line is not 'Time,Parameter,Value'"),
            ("a,b\n", r"first line is not"),
            (HEADER, "truncated"),
            (GOOD[:-1], "truncated: its last line has no end"),
            (HEADER + "\n", "not the file of stay 7"),
            (GOOD.replace("RecordID,7", "RecordID,8"), "not the file of stay 7"),
            (GOOD + "01:00,HR,eighty\n", "line 8: '01:00,HR,eighty' is not time, variable and number"),
            (GOOD + "01:00,HR,nan\n", "line 8"),
            (GOOD + "01:00,HR,inf\n", "line 8"),
            (GOOD + "01:00,HR,1e999\n", "line 8"),
            (GOOD + "01:00,HR,1_0\n", "line 8"),
            (GOOD + "01:00,HR,\n", "line 8"),
            (GOOD + "01:00,HR\n", "line 8"),
            (GOOD + "01:00,HR,80,90\n", "line 8"),
            (GOOD + "\n", "line 8: ''"),
            (GOOD + "1:00,HR,80\n", "line 8"),
            (GOOD + "01:60,HR,80\n", "line 8"),
            (GOOD + "48:01,HR,80\n", "line 8: 48:01 is after the first 48 hours"),
            (GOOD + "99:00,HR,80\n", "line 8: 99:00 is after the first 48 hours"),
            (GOOD + "02:00,HR,80\n01:59,HR,80\n", "line 9: 01:59 is before the line above"),
            (GOOD + "01:00,Pulse,80\n", "line 8: there is no variable 'Pulse'"),
            (GOOD + "01:00,Age,68\n", "line 8: Age is told twice, as 67 and 68"),
            (GOOD.encode() + "01:00,HR,\uff180\n".encode(), "not plain text"),
            (b"\x1f\x8b\x08\0\xff\xfe", "not plain text"),
        ],
    )
    def test_a_line_that_makes_no_sense_is_named(self, content: str | bytes, why: str) -> None:
        with pytest.raises(DataError, match=why) as error:
            parsed(content)
        assert "7.txt" in str(error.value)
        assert "https://physionet.org/content/challenge-2012" in str(error.value)

    @given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
    def test_any_bytes_are_a_stay_or_a_data_error(self, content: bytes) -> None:
        for text in (content, GOOD.encode() + content):
            try:
                found = parsed(text)
            except DataError:
                continue
            assert not np.isinf(found.series).any()

    @given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 48 * 60), st.integers(-10, 10_000)), max_size=40))
    def test_whatever_is_written_down_stays_within_the_channels(self, values: list[tuple[str, int, int]]) -> None:
        rows = sorted(values, key=lambda row: row[1])
        found = stay(*[(f"{minute // 60:02d}:{minute % 60:02d}", name, str(value)) for name, minute, value in rows])
        for variable, row in zip(VARIABLES, found.series, strict=True):
            inside = row[~np.isnan(row)]
            assert ((inside >= np.float32(variable.minimum)) & (inside <= np.float32(variable.maximum))).all()
