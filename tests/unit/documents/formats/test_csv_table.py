"""What comes out of delimited files."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents import DocumentLimits, Position, extract

DELIMITERS = [",", ";", "\t", "|"]
NAMES = st.lists(st.text("abcxyz", min_size=1), min_size=2, max_size=5, unique=True)
CELLS = st.text('ab1,;|\t"\n ', max_size=6)


def read(name, data) -> Any:
    return extract(name, data if isinstance(data, bytes) else data.encode(), DocumentLimits()).segments


def rows(name, data) -> Any:
    return [(segment.position.row, segment.header, segment.text) for segment in read(name, data)]


def test_rows_of_csv_have_the_names_of_their_columns_as_header():
    data = 'name;age;note\nAnna;31;\n\n"Bo; jr";4;"two\nlines"\n'
    assert rows("a.csv", data) == [
        (1, "", "name | age | note"),
        (2, "name | age | note", "Anna | 31"),
        (4, "name | age | note", "name: Bo; jr; age: 4; note: two\nlines"),
    ]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@given(names=NAMES, cells=st.lists(st.lists(CELLS, min_size=2, max_size=5), min_size=1, max_size=30))
def test_delimiter_of_csv_is_that_which_makes_even_rows(delimiter, names, cells):
    numbered = [[str(i), *(row * len(names))[: len(names)]] for i, row in enumerate(cells)]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="\n").writerows([["id", *names], *numbered])
    segments = read("a.csv", written.getvalue())
    assert segments[0].text == " | ".join(["id", *names])
    for segment, row in zip(segments[1:], numbered, strict=True):
        assert all(cell.strip() in segment.text for cell in row)


@pytest.mark.parametrize(
    ("data", "header", "last"),
    [
        ("Report, of 2024\nname;age\nAnna;3", "name | age", "Anna | 3"),
        ("Report\n\nname,age\nAnna,3", "name | age", "Anna | 3"),
        ("# a comment, here\nname;age\nAnna;3\n", "name | age", "Anna | 3"),
        ("# made by X, on 3 May, at noon\nname,age\nAnna,3\nBo,4", "name | age", "Bo | 4"),
        ("#id,name\n1,Anna", "#id | name", "1 | Anna"),
        ("name;price\nA;1,5\nB;2,5", "name | price", "B | 2,5"),
        ("1,5;2,5\n3,5;4,5", "", "3,5 | 4,5"),
        ("id,text\n1,x; y; z\n2,x; y", "id | text", "2 | x; y"),
    ],
)
def test_titles_comments_and_decimal_commas_do_not_hide_the_columns(data, header, last):
    assert rows("a.csv", data)[-1][1:] == (header, last)


@pytest.mark.parametrize(
    ("first", "delimiter"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=^", "^"), ("sep=\t", "\t")]
)
def test_line_that_tells_excel_the_delimiter_is_obeyed_and_not_counted(first, delimiter):
    data = f"{first}\r\nname{delimiter}age\r\nAnna{delimiter}3\r\n"
    assert rows("a.csv", data) == [(1, "", "name | age"), (2, "name | age", "Anna | 3")]


@pytest.mark.parametrize("name", ["a.tsv", "a.tab", "A.TSV"])
def test_tabs_separate_the_cells_of_tsv(name):
    assert rows(name, "a\tb, c\n1\t2,5\n3\t4,5\n")[-1] == (3, "a | b, c", "3 | 4,5")


def test_tsv_without_a_tab_is_read_as_csv():
    assert rows("a.tsv", "a;b\n1;2\n")[-1] == (2, "a | b", "1 | 2")


def test_csv_of_ms_dos_is_read_in_its_code_page():
    text = "Name;Ort\nMüller;Zürich\nBäcker;Genève\n"
    for encoding in ("cp850", "cp437", "mac_roman", "cp1252"):
        assert rows("a.csv", text.encode(encoding))[-1][2] == "Bäcker | Genève"


def test_row_numbers_are_those_of_a_spreadsheet():
    positions = [segment.position for segment in read("a.csv", "a,b\n\n1,2\n3,4\n")]
    assert positions == [Position(row=1), Position(row=3), Position(row=4)]
