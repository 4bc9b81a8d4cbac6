"""Where a table's rows find the names of their columns, and where they had better have none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents.formats.table import table_lines

# Cells are separated by semicolons, rows by line ends; the header that the rows below the names have.
NAMED = [
    ("Region;2023;2024;2025\nNorth;410;455;470\nSouth;380;362;391", "Region | 2023 | 2024 | 2025"),
    (";2021;2022\nTurnover;1200;1340\nStaff;12;14", " | 2021 | 2022"),
    ("Year;2019;2020\nRevenue;310;280\nCost;200;210", "Year | 2019 | 2020"),
    ("district;2022\nAK-1;15.2\nAL-1;-12.3\nAL-2;3.4", "district | 2022"),
    ("Path;50%;66%;75%;max\n/a;12;14;15;90\n/b;8;9;9;70", "Path | 50% | 66% | 75% | max"),
    ("Week;1;2;3;4\nVisitors;120;132;99;140\nSales;12;15;8;16", "Week | 1 | 2 | 3 | 4"),
    ("Date;2024-01-05;2024-01-12\nOpen;12;13\nClosed;3;4", "Date | 2024-01-05 | 2024-01-12"),
    ("Fruit;Jan 2024;Feb 2024\nApples;12;15\nPears;3;4", "Fruit | Jan 2024 | Feb 2024"),
    ("Sex;0-14;15-64;65+\nMen;12;40;8\nWomen;11;41;10", "Sex | 0-14 | 15-64 | 65+"),
    ("Distance;5 km;10 km\nAnna;24:10;51:30\nBo;22:05;46:12", "Distance | 5 km | 10 km"),
    ("Team;W;L;W;L\nA;3;1;2;2\nB;1;3;4;0", "Team | W | L | W (2) | L (2)"),
    ("Item;Cost\nRent;900", "Item | Cost"),
    ("Measure;Value\nShare;7%\nPrice;1,234.50 CHF\nWeight;12 kg", "Measure | Value"),
    ("Name;Amount\nA;n/a\nB;-\nC;12", "Name | Amount"),
    ("pp;num\n10.1;1\n10.5;1742", "pp | num"),
    ("created\n2024-01-02\n2024-01-03\n2024-01-04", "created"),
    ("Name;City;Job\nAnna;Bern;baker\nBo;Basel;cook\nCy;Bern;cook", "Name | City | Job"),
    ("Nachname;Vorname;Ort\nMüller;Anna;Köln\nSchäfer;Bo;Bonn", "Nachname | Vorname | Ort"),
    ("customer_id;first_name\nC-1;Anna\nC-2;Bo", "customer_id | first_name"),
    ("log level;message\nINFO;started\nWARN;slow\nINFO;stopped\nINFO;ended", "log level | message"),
    ("Sales of 2024\nas of January\nRegion;Sales\nNorth;410\nSouth;380", "Region | Sales"),
    ("By;R. Example;\nPeriod;March;\nSite;Visits;Sales\nBern;120;14\nBasel;98;22", "Site | Visits | Sales"),
    ("Town;2010;2020\nSwitzerland\nBern;124;134\nGermany\nKiel;236;247", "Town | 2010 | 2020"),
    ("Feature;Basic;Pro\nSearch;yes;yes\nExport;no;yes", "Feature | Basic | Pro"),
    ("Task;Anna;Bo\nPlan;x;\nBuild;;x\nTest;x;x", "Task | Anna | Bo"),
    ("Name;No;City\nAnna;12;Bern\nBo;14;Kiel", "Name | No | City"),
    ("Site;Jan;Feb;Mar\nBern;1;;\nThun;;2;\nChur;;;3", "Site | Jan | Feb | Mar"),
]
TWO_LINES = [
    (
        "Question;Men;;Women;\n;yes;no;yes;no\nCar?;70;30;58;42",
        "Question | Men / yes | Men / no | Women / yes",
    ),
    (
        ";All;;Women;\nQuestion;yes;no;yes;no\nBike?;61;39;58;42",
        "Question | All / yes | All / no | Women / yes",
    ),
    (";2022;;2023;\nTown;In;Out;In;Out\nBern;12;8;14;9", "Town | 2022 / In | 2022 / Out | 2023 / In"),
    ("Site;Water;Power\n;(m3);(kWh)\nBern;120;4400", "Site | Water / (m3) | Power / (kWh)"),
    ("Region;Gross;Net\n;sales;sales\nNorth;4;3", "Region | Gross / sales | Net / sales"),
    (
        "Canton;People;;Change\n;2010;2020;in %\nBern;979;1043;6.5",
        "Canton | People / 2010 | 2020 | Change / in %",
    ),
]
NAMELESS = [
    "-;Price:;20 dollars and cents\n-;Date:;2007-05-17",
    "1;2;3\n4;5;6\n7;8;9",
    "2019;2020;2021\n2018;2017;2016",
    "Bern;1950;12\nBasel;2300;14\nChur;800;9",
    "150;4;setosa;versicolor\n5.1;3.5;1.4;0\n4.9;3.0;1.3;0",
    "AB-1;12;kg\nAB-2;14;kg",
    "2024-01-01;12;on\n2024-01-02;14;off",
    "Anna;Bern;baker\nBo;Basel;cook\nCy;Bern;cook",
    "Model A;1200;red\nModel B;1300;blue\nModel C;900;red",
    "Apple;Pear;Plum\nFig;Date;Kiwi",
    "Head office;Bern;031 555 00 00\nBranch;Thun;033 555 00 00",
    "Assets;;\nCash;120;130\nLoans;200;180",
]
PAIRS = [
    ("Prepared by;R. Example\nPeriod;March", "Period: March"),
    ("Name:;Acme GmbH\nEmployees:;120\nFounded:;1998", "Employees: 120"),
    ("First name;Rita\nSurname;Example\nBorn;1980-02-03\nCity;Bern", "Born: 1980-02-03"),
    ("Net sales;1200\nCost of goods;800\nTaxes;80", "Taxes: 80"),
]
WORDS = st.text("abcdefgh", min_size=1, max_size=8)


def lines(text, **options) -> Any:
    rows = [(number, row.split(";")) for number, row in enumerate(text.split("\n"), start=1)]
    return list(table_lines(rows, **options))


def headers(text) -> Any:
    return list(dict.fromkeys(line.header for line in lines(text) if line.header))


@pytest.mark.parametrize(("text", "header"), NAMED)
def test_names_are_found_by_what_stands_below_them(text, header):
    assert headers(text) == [header]


@pytest.mark.parametrize(("text", "header"), TWO_LINES)
def test_names_in_two_lines_are_joined(text, header):
    (found,) = headers(text)
    assert found.startswith(header)


@pytest.mark.parametrize("text", NAMELESS)
def test_rows_have_no_names_where_it_is_not_sure_what_they_are(text):
    assert headers(text) == []


@pytest.mark.parametrize(("text", "pair"), PAIRS)
def test_labels_and_their_values_are_pairs(text, pair):
    assert headers(text) == []
    assert pair in [line.text for line in lines(text)]


def test_line_of_names_comes_first_and_is_the_header_of_those_below():
    first, second = lines("name;age\nAnna;31")
    assert (first.text, first.row, first.header) == ("name | age", 1, "")
    assert (second.text, second.row, second.header) == ("Anna | 31", 2, "name | age")


def test_blank_cells_keep_their_places():
    text = "id;left;right;up\n1;;2;\n2;3;;4"
    assert [line.text for line in lines(text)] == ["id | left | right | up", "1 |  | 2", "2 | 3 |  | 4"]
    assert [line.text for line in lines("a b;;c d\n;e f;g h")] == ["a b |  | c d", " | e f | g h"]


@pytest.mark.parametrize("below", ["Supplier;Phone\nMuster AG;031 555 00 00", "Name;City;Age\nAnna;Bern;31"])
@pytest.mark.parametrize("between", ["\n\n", "\n\n\n\n", "\n"])
def test_second_table_has_its_own_names(below, between):
    names, row = below.replace(";", " | ").split("\n")
    last = lines(f"Item;Pieces\nBolt;40\nNut;55{between}{below}")[-1]
    assert (last.header, last.text) == (names, row)


def test_second_table_without_sure_names_does_not_get_those_of_the_first():
    last = lines("Item;Pieces\nBolt;40\nNut;55\n\nAnna;Bern\nBo;Basel")[-1]
    assert last.header == ""


@pytest.mark.parametrize(
    "text",
    [
        "Region;Sales;Cost\nNorth;410;300\n\nSouth;380;290",
        "Region;Sales;Cost\n\nNorth;410;300\nSouth;380;290",
        "Region;Sales;Cost\n\nNorth;410;300\n\nEast;99;70\n\nWest;9;7\n\nSouth;380;290",
    ],
)
def test_names_hold_below_a_blank_row_where_columns_go_on(text):
    assert [line.header for line in lines(text)[1:]] == ["Region | Sales | Cost"] * (len(lines(text)) - 1)


def test_form_above_a_table_names_none_of_its_columns():
    found = lines("By;R. Example\nPeriod;March\n\nSite;Visits;Sales\nBern;120;14\nBasel;98;22")
    assert [line.text for line in found[:2]] == ["By: R. Example", "Period: March"]
    assert [line.header for line in found] == ["", "", "", *["Site | Visits | Sales"] * 2]


def test_merged_cell_names_all_columns_below_it():
    rows: Any = [
        (1, ["", "All", None, "Men"]),
        (2, ["Town", "in", "out", "in"]),
        (3, ["Bern", "1", "2", "3"]),
    ]
    assert list(table_lines(rows))[-1].header == "Town | All / in | All / out | Men / in"


def test_row_with_few_values_names_them():
    last = lines("id;a;b;c;d;e;f\n1;2;3;4;5;6;7\n2;;;9;;;")[-1]
    assert last.text == "id: 2; c: 9"


@pytest.mark.parametrize("cell", ["two\nlines", "a | b"])
def test_row_whose_cells_would_be_torn_names_its_values(cell):
    rows = [(1, ["id", "text"]), (2, ["7", "word"]), (3, ["8", cell])]
    assert list(table_lines(rows))[-1].text == f"id: 8; text: {cell}"


def test_cell_beyond_the_names_is_kept_without_one():
    assert lines("a;b\n1;2\n3;4\n5;6;7")[-1].text in {"5 | 6 | 7", "a: 5; b: 6; 7"}


def test_long_names_are_shortened_where_they_are_given_again():
    names = [f"How much do you agree with statement number {i} of the questionnaire?" for i in range(12)]
    last = lines(";".join(names) + "\n" + ";".join("123456789012") + "\n" + ";".join("210987654321"))[-1]
    assert len(last.header) < sum(map(len, names))
    assert len(set(last.header.split(" | "))) == len(names) or last.header == ""


def test_names_of_very_many_columns_stand_beside_the_values():
    names = [f"measurement {i}" for i in range(80)]
    last = lines(";".join(names) + ("\n" + ";".join(map(str, range(80)))) * 3)[-1]
    assert last.header == ""
    assert "measurement 79: 79" in last.text


def test_zero_of_an_accounting_format_is_a_value():
    assert headers("Item;Cost\nRent;$-\nHeat;- €\nTax;€ 12.50") == ["Item | Cost"]


def test_note_below_a_table_has_no_name():
    names = ";".join(f"A rather long question number {n} that was asked about many things" for n in range(40))
    rows = [";".join([str(n)] * 40) for n in range(3)]
    rows.append("7" + ";" * 39)
    found = lines("\n".join([names, *rows, f"Source: Statistics Office{';' * 39}", "* provisional"]))
    assert [line.text for line in found[-2:]] == ["Source: Statistics Office", "* provisional"]
    assert "question number 0" in found[-3].text
    assert "question number 0" in found[1].text


@pytest.mark.parametrize("count", [1, 2])
def test_names_that_the_format_tells_are_not_looked_for(count):
    found = lines("Apple;Pear\nFig;Date\nPlum;Kiwi", header_rows=count)
    assert found[-1].header == ("Apple | Pear" if count == 1 else "Apple / Fig | Pear / Date")


@given(st.lists(st.lists(WORDS | st.integers().map(str) | st.just(""), min_size=1, max_size=6), max_size=40))
def test_no_cell_is_lost(rows):
    text = "\n".join(line.text for line in table_lines(enumerate(rows, start=1)))
    for cell in {cell for row in rows for cell in row}:
        assert cell in text
