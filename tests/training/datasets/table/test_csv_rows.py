"""CSV as RFC 4180 has it is read as Python's csv module writes it; anything else is refused by its line."""

import csv
import io
from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.table import csv_rows
from edgeward.training.datasets.table import rows as table_rows
from edgeward.training.datasets.table.csv_rows import sniff_separator
from edgeward.training.datasets.table.open_rows import open_rows
from hypothesis import given, settings
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def written(folder: Path, content: bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, separator: str = ",", encoding: str = "utf-8") -> tuple[tuple[str, ...], list[list[str]]]:
    rows = open_rows(path, separator, encoding)
    return rows.header, [entries for _, entries in rows]


@settings(max_examples=60, deadline=None)
@given(table=st.lists(st.tuples(TEXT, TEXT, st.just("end")), max_size=8), separator=st.sampled_from(",;\t|"))
def test_what_pythons_writer_wrote_is_read_back(
    table: list[tuple[str, ...]], separator: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *table])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode())
    assert read(path, separator) == (("a", "b", "c"), [[entry.strip() for entry in row] for row in table])


def test_quotes_line_breaks_and_blank_lines_are_understood_and_positions_are_lines(tmp_path: Path) -> None:
    path = written(tmp_path, b'a,"b ""c"""\r\n1,"two\nlines"\r\n\r\n 3 ,4\r\n')
    rows = open_rows(path, ",", "utf-8")
    assert rows.header == ("a", 'b "c"')
    assert list(rows) == [(3, ["1", "two\nlines"]), (5, ["3", "4"])]
    assert rows.done == rows.total == path.stat().st_size


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xef\xbb\xbf", "utf-8"), (b"", "utf-8"), (b"", "latin-1")])
def test_a_byte_order_mark_is_skipped_and_the_encoding_is_kept_to(tmp_path: Path, mark: bytes, encoding: str) -> None:
    path = written(tmp_path, mark + "größe\n1\n".encode(encoding))
    assert read(path, encoding=encoding) == (("größe",), [["1"]])


@pytest.mark.parametrize(
    ("line", "separator"), [("a,b", ","), ("a;b;c", ";"), ("a\tb", "\t"), ("a|b", "|"), ("a", ","), ('"a;b",c,d', ",")]
)
def test_the_separator_is_told_from_the_first_line(tmp_path: Path, line: str, separator: str) -> None:
    assert sniff_separator(written(tmp_path, line.encode()), "utf-8") == separator


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n\n", "holds no line"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 fields, and the header 2"),
        (b'a,b\n1,2\n3,"4,5\n6,7\n', "line 3: unexpected end of data"),
        (b'a,b\n1,"2"x\n', "line 2: ',' expected after '\"'"),
        (b"a,b\n1,2\n3,\0\n", "line 3 holds a NUL byte"),
        (b"a,b\n1,2\n3,caf\xe9\n", "line 3 is not utf-8: byte 0xe9 at 6; .* --encoding latin-1"),
        (b"a,b,a\n1,2,3\n", "columns 1, 3 are all called 'a'"),
        (b",a\n0,1\n", "column 1 has no name; .*index=False"),
        (b'"a\nb",c\n1,2\n', "name of column 1 is no plain text"),
        (b"PK\x03\x04abc\n", "an Excel workbook or a zip file"),
        (b"PAR1abc\n", "a Parquet file; give it the suffix"),
        (b"\x1f\x8babc\n", "compressed; unpack it"),
        ("a,b\n".encode("utf-16"), "text in UTF-16"),
        (bytes(range(1, 256)) * 40, "name of column 1 is no plain text"),
        (b"a,b\r1,2\r", "new-line character"),
        (b"a,b\n1," + b"x" * 100_001 + b"\n", "line 2: an entry has 100001 characters"),
        (b'a,b\n1,"' + b"x,\n" * 100_000, "line 2: field larger than field limit"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else "",
)
def test_what_is_no_sound_csv_is_refused_by_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=f"x.csv.*{told}"):
        read(path)


def test_what_is_too_large_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "_MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(csv_rows, "MAX_ROWS", 3)
    monkeypatch.setattr(table_rows, "MAX_COLUMNS", 5)
    for content, told in (
        (b"a\n" + b"x" * 1001 + b"\n", "line 2 is longer than 1000 bytes"),
        (b"a\n" + b"1\n" * 4, "more than 3 rows"),
        (b"a,b,c,d,e,f\n", "has 6 columns, and at most 5"),
    ):
        with pytest.raises(DataError, match=told):
            read(written(tmp_path, content))
    monkeypatch.setattr(table_rows, "MAX_BYTES", 3)
    with pytest.raises(DataError, match="has 4 bytes, and at most 3"):
        read(written(tmp_path, b"a\n1\n"))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path, told in ((tmp_path / "none.csv", "there is no file"), (tmp_path, "is no file")):
        with pytest.raises(DataError, match=told):
            read(path)
