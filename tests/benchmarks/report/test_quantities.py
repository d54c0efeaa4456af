"""Numbers are rounded as people expect, and ratios never flatter."""

from __future__ import annotations

import pytest
from edgeward.benchmarks.report.quantities import (
    ABSENT,
    bytes_text,
    comparison,
    count_text,
    duration_text,
    significant,
    time_text,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (bytes_text(999), "999 B"),
        (bytes_text(38_412), "38.4 kB"),
        (bytes_text(999_600), "1.00 MB"),
        (count_text(231_104), "231,104"),
        (count_text(38_400_000), "38.4 M"),
        (time_text(43.21), "43.2 µs"),
        (time_text(1490), "1.49 ms"),
        (duration_text(192.4), "3 min 12 s"),
        (duration_text(59.7), "1 min 0 s"),
        (duration_text(7500), "2 h 5 min"),
        (significant(0.0123), "0.0123"),
        (significant(float("nan")), ABSENT),
    ],
)
def test_quantities_read_as_people_write_them(text, expected):
    assert text.replace("\N{NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (36.6, "37x more"),
        (2.34, "2.3x more"),
        (1.0, "same"),
        (0.96, "same"),
        (0.5, "2.0x less"),
        (9.97, "10x more"),
    ],
)
def test_a_ratio_is_worded_by_its_side_of_one(ratio, expected):
    text = comparison(ratio, above="more", below="less", same="same")
    assert text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MULTIPLICATION SIGN}", "x") == expected
