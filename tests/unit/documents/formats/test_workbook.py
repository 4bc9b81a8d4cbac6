"""What comes out of workbooks: cells as they are shown, comments and text boxes, and what is protected."""

import io
import random
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from shared_code.documents import (
    BrokenDocument,
    DocumentError,
    DocumentLimits,
    EncryptedDocument,
    Position,
    extract,
)
from tests.unit.documents.reading import read
from tests.unit.documents_corpus import OFFICE, PACKAGE, SHEET, old_workbook, sheet_row, xlsx, zipped

FILES = Path(__file__).parent / "files"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
FORMATS = ["General", "0%", '#,##0.00 "CHF"', "0.0", '0 "kg"', "00000", "mmm yyyy"]


def rows(name, data) -> Any:
    segments = extract(name, data, DocumentLimits()).segments
    return [(segment.position.row, segment.header, segment.text) for segment in segments]


def texts(name, data) -> Any:
    return [text for _, _, text in rows(name, data)]


def with_parts(data, parts) -> bytes:
    """A workbook with some parts more, or others."""
    with ZipFile(io.BytesIO(data)) as archive:
        members: Any = {name: archive.read(name) for name in archive.namelist()}
    return zipped(members | parts)


def related(*targets) -> str:
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def styled(cells) -> bytes:
    """A sheet of one row below the names a, b, …; each cell is a number and the index of its format."""
    codes = "".join(
        f'<numFmt numFmtId="{164 + i}" formatCode="{escaped(c)}"/>' for i, c in enumerate(FORMATS)
    )
    styles = "".join(f'<xf numFmtId="{164 + index}"/>' for index in range(len(FORMATS)))
    row = "".join(f'<c r="{"ABCDEFG"[i]}2" s="{s}"><v>{v}</v></c>' for i, (v, s) in enumerate(cells))
    names = sheet_row(1, {"ABCDEFG"[i]: "abcdefg"[i] for i in range(len(cells))})
    return with_parts(
        xlsx({"S": f'{names}<row r="2">{row}</row>'}),
        {
            "xl/styles.xml": (
                f'<styleSheet xmlns="{SHEET}"><numFmts>{codes}</numFmts>'
                f"<cellXfs>{styles}</cellXfs></styleSheet>"
            ),
            "xl/_rels/workbook.xml.rels": related(
                ("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")
            ),
        },
    )


def escaped(text) -> Any:
    return text.replace('"', "&quot;")


def annotated() -> bytes:
    """A table with a comment on its only value, and a text box."""
    box = (
        f'<wsDr xmlns="{DRAWING}/spreadsheetDrawing" xmlns:a="{DRAWING}/main"><twoCellAnchor>'
        "<from><row>1</row></from><sp><txBody><a:p><a:r><a:t>Figures are </a:t></a:r><a:r><a:t>provisional."
        "</a:t></a:r></a:p></txBody></sp></twoCellAnchor></wsDr>"
    )
    comment = (
        f'<comments xmlns="{SHEET}"><commentList><comment ref="B2"><text><r><t>Includes </t></r>'
        "<r><t>heating.</t></r></text></comment></commentList></comments>"
    )
    table = [sheet_row(1, {"A": "Item", "B": "Cost"}), sheet_row(2, {"A": "Rent", "B": 900})]
    return with_parts(
        xlsx({"S": "".join([*table, sheet_row(3, {"A": "Heat", "B": 90})])}),
        {
            "xl/worksheets/_rels/sheet1.xml.rels": related(
                ("drawing", "../drawings/drawing1.xml"), ("comments", "/xl/comments1.xml")
            ),
            "xl/drawings/drawing1.xml": box,
            "xl/comments1.xml": comment,
        },
    )


def ods(content, *, manifest="", **objects) -> bytes:
    names = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("draw", "drawing"))
    )
    body = f"<office:body><office:spreadsheet>{content}</office:spreadsheet></office:body>"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
            "content.xml": f"<office:document-content{names}>{body}</office:document-content>",
            **{f"{name}/content.xml": content for name, content in objects.items()},
        }
    )


def ods_row(*cells, attributes="") -> str:
    written = "".join(
        f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" if cell else "<table:table-cell/>"
        for cell in cells
    )
    return f"<table:table-row{attributes}>{written}</table:table-row>"


def encrypted(data, password) -> bytes:
    """The workbook as Excel encrypts it; with a picture, since the writer used here makes no small files."""
    picture = random.Random(1).randbytes(9000)  # noqa: S311 - nothing secret
    written = io.BytesIO()
    OOXMLFile(io.BytesIO(with_parts(data, {"xl/media/image1.png": picture}))).encrypt(password, written)
    return written.getvalue()


def test_sheets_give_rows_with_their_numbers_below_the_name_of_the_sheet():
    people = [sheet_row(1, {"A": "All people"}), sheet_row(2, {"A": "name", "B": "age"})]
    data = xlsx(
        {
            "People": "".join([*people, sheet_row(4, {"A": "Anna", "B": 31})]),
            "Prices": sheet_row(1, {"B": 1.5}),
        }
    )
    segments = extract("a.xlsx", data, DocumentLimits()).segments
    assert [segment.text for segment in segments] == ["All people", "name | age", "Anna | 31", "1.5"]
    assert [segment.header for segment in segments] == ["", "", "name | age", ""]
    assert [segment.context for segment in segments] == [("People",)] * 3 + [("Prices",)]
    assert [segment.position for segment in segments[2:]] == [
        Position(sheet="People", row=4),
        Position(sheet="Prices", row=1),
    ]


def test_cells_are_given_as_they_are_shown():
    cells = [(0.07, 1), (1234.5, 2), (8.381538, 3), (12, 4), (42, 5), (8.3815384615384, 0), (45352, 6)]
    assert (
        texts("a.xlsx", styled(cells))[-1]
        == "7% | 1,234.50 CHF | 8.4 | 12 kg | 00042 | 8.381538462 | Mar 2024"
    )


def test_format_of_one_cell_is_not_that_of_others():
    assert texts("a.xlsx", styled([(1, 0), (0.5, 1), (1, 0)]))[-1] == "1 | 50% | 1"


def test_comments_and_text_boxes_follow_the_row_that_they_are_at():
    for name in ("a.xlsx", "a.xlsm"):
        found = texts(name, annotated())
        assert sorted(found[2:4]) == ["Comment on B2: Includes heating.", "Figures are provisional."]
        assert (found[1], found[4]) == ("Rent | 900", "Heat | 90")


def test_broken_part_beside_the_cells_does_not_cost_the_cells():
    data = with_parts(annotated(), {"xl/comments1.xml": "<comments", "xl/drawings/drawing1.xml": "no XML"})
    assert "Rent | 900" in texts("a.xlsx", data)


def test_merged_cells_of_a_header_name_all_columns_below():
    table = [
        sheet_row(1, {"B": "All", "D": "Men"}),
        sheet_row(2, {"A": "Town", "B": "in", "C": "out", "D": "in"}),
    ]
    table.append(sheet_row(3, {"A": "Bern", "B": 1, "C": 2, "D": 3}))
    data = xlsx(
        {"S": f'{"".join(table)}</sheetData><mergeCells><mergeCell ref="B1:C1"/></mergeCells><sheetData>'}
    )
    assert rows("a.xlsx", data)[-1] == (3, "Town | All / in | All / out | Men / in", "Bern | 1 | 2 | 3")


def test_workbook_with_the_password_of_excel_itself_is_read():
    assert texts("a.xlsx", encrypted(annotated(), "VelvetSweatshop")) == texts("a.xlsx", annotated())


def test_workbook_with_another_password_is_refused():
    with pytest.raises(EncryptedDocument, match="password"):
        extract("a.xlsx", encrypted(annotated(), "secret"), DocumentLimits())


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx"])
def test_xls_is_read_with_cells_as_they_are_shown(name):
    data = (FILES / "prices.xls").read_bytes()
    assert rows(name, data)[:2] == [
        (1, "", "Region | Share | Price | Day"),
        (2, "Region | Share | Price | Day", "Ra | 12.3% | 1,234.50 CHF | 2024-03-01"),
    ]


@pytest.mark.parametrize("kind", ["xlMacrosheet", "xlIntlMacrosheet"])
def test_sheet_of_macros_keeps_no_other_from_being_read(kind):
    sheets = '<sheet name="S" sheetId="1" r:id="rId1"/><sheet name="M" sheetId="2" r:id="rId2"></sheet>'
    parts = {
        "xl/workbook.xml": (
            f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": related(("worksheet", "worksheets/sheet1.xml"), (kind, "m/sheet1.xml")),
        "xl/m/sheet1.xml": f'<macrosheet xmlns="{SHEET}"/>',
    }
    assert texts("a.xlsm", with_parts(xlsx({"S": sheet_row(1, {"A": "x"})}), parts)) == ["x"]


def test_text_of_smart_art_is_read():
    art = f'<g xmlns:r="{OFFICE}" xmlns:dgm="d"><dgm:relIds r:dm="rId1" r:lo="rId2"/></g>'
    point = "<a:p><a:r><a:t>Order</a:t></a:r></a:p><a:p><a:r><a:t>Deliver</a:t></a:r></a:p>"
    data = with_parts(
        xlsx({"S": ""}),
        {
            "xl/worksheets/_rels/sheet1.xml.rels": related(("drawing", "../drawings/drawing1.xml")),
            "xl/drawings/drawing1.xml": f"<d><anchor>{art}</anchor></d>",
            "xl/drawings/_rels/drawing1.xml.rels": related(("diagramData", "../diagrams/data1.xml")),
            "xl/diagrams/data1.xml": f'<m xmlns:a="{DRAWING}/main"><pt>{point}</pt></m>',
        },
    )
    assert texts("a.xlsx", data) == ["Order\nDeliver"]


def excel_95(*records: tuple[int, bytes]) -> bytes:
    """A workbook of Excel 95 with a sheet of these records; style 1 is a percentage."""
    percent, sheet_name = b"0.0%", "Ціни".encode("cp1251")
    everything = [
        (0x809, b"\x00\x05\x05\x00" + bytes(4)),
        (0x42, struct.pack("<H", 1251)),
        (0x41E, struct.pack("<HB", 164, len(percent)) + percent),
        (0xE0, bytes(16)),
        (0xE0, struct.pack("<HH", 0, 164) + bytes(12)),
    ]
    before = sum(4 + len(data) for _, data in everything) + 4 + 7 + len(sheet_name) + 4
    named = struct.pack("<IHB", before, 0, len(sheet_name)) + sheet_name
    sheet = [(0x809, b"\x00\x05\x10\x00" + bytes(4)), *records, (0x0A, b"")]
    return old_workbook("Book", *everything, (0x85, named), (0x0A, b""), *sheet)


def test_workbook_of_excel_95_is_read_as_it_is_shown():
    share = struct.pack("<HHHd", 0, 1, 1, 0.125)
    label = struct.pack("<HHHH", 0, 0, 0, 4) + "Київ".encode("cp1251")
    (segment,) = read("a.xls", excel_95((0x204, label), (0x203, share))).segments
    assert (segment.text, segment.position.sheet) == ("Київ: 12.5%", "Ціни")


def test_workbook_of_excel_95_with_a_password_is_refused():
    beginning = (0x809, b"\x00\x05\x05\x00" + bytes(4))
    with pytest.raises(EncryptedDocument):
        texts("a.xls", old_workbook("Book", beginning, (0x2F, bytes(4)), (0x0A, b"")))


def excel_97(*records: tuple[int, bytes]) -> bytes:
    """A workbook of Excel 97 with a sheet of these records."""
    beginning = (0x809, struct.pack("<HH", 0x600, 5) + bytes(12))
    named = struct.pack("<IHBBc", 2 * 4 + 16 + 9 + 4, 0, 1, 0, b"S")
    sheet = [(0x809, struct.pack("<HH", 0x600, 0x10) + bytes(12)), *records, (0x0A, b"")]
    return old_workbook("Workbook", beginning, (0x85, named), (0x0A, b""), *sheet)


def drawn(number: int, row: int, *parts: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """The records of something that begins in a row, with a text in parts, of narrow or wide letters."""
    anchor = struct.pack("<HHI9H", 0, 0xF010, 18, 0, 0, 0, row, 0, 0, 0, 0, 0)
    letters = sum(len(text) // (1 + wide) for wide, text in parts)
    return [
        (0xEC, b"shape" + anchor),
        (0x5D, struct.pack("<4H", 0x15, 0x12, 0x06, number) + bytes(14)),
        (0x1B6, struct.pack("<10x2H4x", letters, 16)),
        *((0x3C, bytes([wide]) + text) for wide, text in parts),
        (0x3C, bytes(16)),  # how the letters look
    ]


def test_comments_and_text_boxes_of_xls_are_read_where_they_belong():
    cell = (0x203, struct.pack("<HHHd", 1, 27, 0, 7.0))
    a_chart_with_values = [(0x809, struct.pack("<HH", 0x600, 0x20) + bytes(12)), cell, (0x0A, b"")]
    data = excel_97(
        cell,
        *drawn(1, 8, (0, b"why "), (1, "Ґ?".encode("utf-16-le"))),
        *a_chart_with_values,
        *drawn(2, 4, (0, b"See below.")),
        *drawn(3, 4),
        (0x1C, struct.pack("<4H", 1, 27, 0, 1) + bytes(4)),
        (0x1C, struct.pack("<4H", 1, 27, 0, 99) + bytes(4)),
    )
    segments = read("a.xls", data).segments
    assert [(each.position.row, each.text) for each in segments] == [
        (2, "7"), (2, "Comment on AB2: why Ґ?"), (5, "See below."),
    ]  # fmt: skip


def test_cut_off_xls_ends_as_broken_or_is_read():
    data = (FILES / "prices.xls").read_bytes()
    for size in range(512, len(data), 512):
        with suppress(DocumentError):
            assert rows("a.xls", data[:size])


def test_ods_is_read_with_cells_as_they_are_shown():
    blank = ' table:number-rows-repeated="1000000"'
    cells = [ods_row("Region", "Share"), ods_row("North", "7%"), ods_row("", attributes=blank)]
    data = ods(f'<table:table table:name="S">{"".join(cells)}</table:table>')
    segments = extract("a.ods", data, DocumentLimits()).segments
    assert [(s.text, s.header) for s in segments] == [
        ("Region | Share", ""),
        ("North | 7%", "Region | Share"),
    ]
    assert segments[1].position == Position(sheet="S", row=2)


def test_repeated_cells_and_rows_of_ods_count():
    repeated = '<table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="2">{repeated}</table:table-row>'
    spaced = ods_row("a", "", 'b<text:s text:c="2"/>c')
    data = ods(f'<table:table table:name="S">{row}{spaced}</table:table>')
    assert [(row, text) for row, _, text in rows("a.ods", data)] == [
        (1, "x | x"),
        (2, "x | x"),
        (3, "a |  | b  c"),
    ]


def test_comment_of_an_ods_cell_is_read():
    cell = "<table:table-cell><text:p>x</text:p><office:annotation><text:p>why</text:p></office:annotation>"
    row = f"<table:table-row>{cell}</table:table-cell></table:table-row>"
    assert texts("a.ods", ods(f'<table:table table:name="S">{row}</table:table>')) == ["x", "Comment: why"]


def test_titles_of_a_chart_in_ods_are_read_and_its_values_are_not_again():
    shown = '<draw:frame><draw:object x:href="./C" xmlns:x="urn:x"/></draw:frame>'
    row = f"<table:table-row><table:table-cell><text:p>7</text:p>{shown}</table:table-cell></table:table-row>"
    chart = "<chart><title><p>Ships</p></title><table><table-row><p>7</p></table-row></table></chart>"
    data = ods(f'<table:table table:name="S">{row}</table:table>', C=chart)
    assert texts("a.ods", data) == ["7", "Ships"]


def test_ods_with_a_password_is_refused():
    with pytest.raises(EncryptedDocument, match="password"):
        extract("a.ods", ods("", manifest="<manifest:encryption-data/>"), DocumentLimits())


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (b"name\tage\nAnna\t31\n", "Anna | 31"),
        (b"name;age\nAnna;31\n", "Anna | 31"),
        ("name\tage\nAnna\t31\n".encode("utf-16"), "Anna | 31"),
        (b"<html><table><tr><th>name<th>age<tr><td>Anna<td>31</table>", "Anna | 31"),
        (b"<?xml version='1.0'?><Workbook><Cell>Anna</Cell></Workbook>", "Cell: Anna"),
    ],
)
def test_xls_that_is_text_is_read_as_what_it_is(data, last):
    assert texts("a.xls", data)[-1] == last


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7", b"\x09\x08\x10\x00" + bytes(60), zipped({"word/document.xml": ""})]
)
def test_xls_that_is_something_else_is_broken(data):
    with pytest.raises(BrokenDocument):
        texts("a.xls", data)


def test_table_of_a_page_under_the_name_xls_is_a_table():
    page = "<table><tr><th>Site<th>Visits</tr><tr><td>Bern<td>120</tr></table>"
    assert texts("a.xls", page.encode()) == ["Site | Visits", "Bern | 120"]


def test_what_merged_cells_hold_belongs_to_each_of_their_rows():
    cells: Any = [
        {"B": "Port", "C": "Berth", "D": "Dues"},
        {"B": "Ulm", "C": "A", "D": 40},
        {"C": "B", "D": 60},
        {},
        {"B": "Linz", "C": "A", "D": 50},
    ]
    sheet = "".join(sheet_row(number, row) for number, row in enumerate(cells, start=1))
    merged = "<mergeCells><mergeCell ref='B2:B4'/></mergeCells>"
    part = f'<worksheet xmlns="{SHEET}"><sheetData>{sheet}</sheetData>{merged}</worksheet>'
    data = with_parts(xlsx({"S": ""}), {"xl/worksheets/sheet1.xml": part})
    assert texts("a.xlsx", data) == ["Port | Berth | Dues", "Ulm | A | 40", "Ulm | B | 60", "Linz | A | 50"]


def merged_sheet(cells: Any, *ranges: str) -> bytes:
    sheet = "".join(sheet_row(number, row) for number, row in enumerate(cells, start=1))
    merged = "".join(f"<mergeCell ref='{each}'/>" for each in ranges)
    part = (
        f'<worksheet xmlns="{SHEET}"><sheetData>{sheet}</sheetData>'
        f"<mergeCells>{merged}</mergeCells></worksheet>"
    )
    return with_parts(xlsx({"S": ""}), {"xl/worksheets/sheet1.xml": part})


def test_what_cells_hold_that_are_merged_in_both_directions_belongs_to_each_of_their_rows():
    cells: Any = [
        {"A": "Port", "B": "Quay", "C": "Berth", "D": "Dues"},
        {"A": "Ulm", "C": "A", "D": 40},
        {"C": "B", "D": 60},
        {"A": "Linz", "B": "East", "C": "A", "D": 50},
    ]
    found = texts("a.xlsx", merged_sheet(cells, "A2:B3"))
    assert found[1:] == ["Ulm |  | A | 40", "Ulm |  | B | 60", "Linz | East | A | 50"]


def test_number_that_rows_share_is_not_counted_in_each_of_them():
    cells: Any = [
        {"A": "No", "B": "Port", "C": "Dues"},
        {"A": 1, "B": "Ulm", "C": 40},
        {"B": "Linz"},
        {"A": 2, "B": "Wels", "C": 50},
    ]
    found = texts("a.xlsx", merged_sheet(cells, "A2:A3", "C2:C3"))
    assert found[1:] == ["1 | Ulm | 40", "1 | Linz", "2 | Wels | 50"]


def test_blank_merged_cells_beside_a_table_are_no_part_of_it():
    cells: Any = [
        {"C": "Port", "D": "Berth", "E": "Dues"},
        {"C": "Ulm", "D": "A", "E": 40},
        {"C": "Linz", "D": "B"},
    ]
    found = texts("a.xlsx", merged_sheet(cells, "A1:B3"))
    assert found == ["Port | Berth | Dues", "Ulm | A | 40", "Linz | B"]


def test_text_of_a_sheet_that_is_a_chart_is_read():
    sheets = '<sheet name="S" sheetId="1" r:id="rId1"/><sheet name="Chart" sheetId="2" r:id="rId2"/>'
    anchor = "<a:r><a:t>Visits of 2024</a:t></a:r>"
    data = with_parts(
        xlsx({"S": sheet_row(1, {"A": "x"})}),
        {
            "xl/workbook.xml": (
                f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": related(
                ("worksheet", "worksheets/sheet1.xml"), ("chartsheet", "chartsheets/sheet1.xml")
            ),
            "xl/chartsheets/sheet1.xml": f'<chartsheet xmlns="{SHEET}"/>',
            "xl/chartsheets/_rels/sheet1.xml.rels": related(("drawing", "../drawings/drawing1.xml")),
            "xl/drawings/drawing1.xml": (
                f'<d xmlns:a="{DRAWING}/main"><anchor><a:p>{anchor}</a:p></anchor></d>'
            ),
        },
    )
    assert texts("a.xlsx", data) == ["x", "Visits of 2024"]


@pytest.mark.parametrize(
    ("table", "first"),
    [
        ('ref="B2:C4"', "City | People"),
        ('ref="B2:C4" headerRowCount="0"', "City: People"),
        ("", "City: People"),
    ],
)
def test_what_people_have_made_a_table_of_has_its_names_where_they_say(table, first):
    cells: Any = [
        {"B": "Towns"}, {"B": "City", "C": "People"}, {"B": "Bern", "C": "many"}, {"B": "Kiel", "C": "more"}
    ]  # fmt: skip
    found = rows("a.xlsx", with_table(cells, table))
    assert found[1][2] == first
    assert {header for _, header, _ in found[2:]} == {first if "|" in first else ""}


def with_table(cells: Any, table: str, merged: str = "") -> bytes:
    sheet = "".join(sheet_row(number, row) for number, row in enumerate(cells, start=1))
    return with_parts(
        xlsx({"S": ""}),
        {
            "xl/worksheets/sheet1.xml": (
                f'<worksheet xmlns="{SHEET}"><sheetData>{sheet}</sheetData>{merged}</worksheet>'
            ),
            "xl/worksheets/_rels/sheet1.xml.rels": related(("table", "../tables/table1.xml")),
            "xl/tables/table1.xml": f'<table xmlns="{SHEET}" {table}/>',
        },
    )


def test_names_of_a_table_have_the_groups_that_stand_above_them():
    cells = [
        {"B": 2023, "D": 2024},
        dict(zip("ABCDE", ("Port", "In", "Out", "In2", "Out2"), strict=True)),
        dict(zip("ABCDE", ("Ulm", 4, 5, 6, 7), strict=True)),
        dict(zip("ABCDE", ("Linz", 5, 6, 7, 8), strict=True)),
    ]
    merged = "<mergeCells><mergeCell ref='B1:C1'/><mergeCell ref='D1:E1'/></mergeCells>"
    found = rows("a.xlsx", with_table(cells, 'ref="A2:E4"', merged))
    assert found[0][2] == "Port | 2023 / In | 2023 / Out | 2024 / In2 | 2024 / Out2"


def test_names_of_a_table_go_on_below_a_blank_row():
    cells = [
        {"A": "City", "B": "People"},
        {"A": "Bern", "B": 140},
        {"A": "Kiel", "B": 250},
        {},
        {"A": "All", "B": 390},
    ]
    found = rows("a.xlsx", with_table(cells, 'ref="A1:B5"'))
    assert [header for _, header, _ in found] == ["", *["City | People"] * 3]


_TEXT = '<c t="inlineStr"><is><t>Port {}</t></is></c>'
_FAR_BELOW = sheet_row(1, {"B": "Number", "C": "Port"}) + "".join(
    sheet_row(n, {"B": n, "C": f"Port {n}"}) for n in (*range(2, 3_000), 900_000)
)
_WITHOUT_NUMBERS = "<row/>" + "".join(
    f"<row>{_TEXT.format(n)}</row>" if n % 7 else "<row/>" for n in range(2, 3_000)
)
_CDATA = _TEXT.format('<![CDATA[ <row r="7"> ]]>')
_SEEMING_ROWS = f'<row>{_CDATA}</row><!-- <row r="9"> -->' * 2_999


@pytest.mark.parametrize(
    ("rows", "last"), [(_FAR_BELOW, 900_000), (_WITHOUT_NUMBERS, 2_999), (_SEEMING_ROWS, 2_999)]
)
def test_large_sheet_is_read_as_a_small_one_is(monkeypatch, rows, last):
    small = read("a.xlsx", xlsx({"S": rows}))
    monkeypatch.setattr("shared_code.documents.formats.workbook_bands._LARGE_BYTES", 1_000)
    monkeypatch.setattr("shared_code.documents.formats.workbook_bands._LARGE_GRID", 1_000)
    monkeypatch.setattr("shared_code.documents.formats.workbook_bands._BAND_BYTES", 10_000)
    assert read("a.xlsx", xlsx({"S": rows})) == small
    assert small.segments[-1].position.row == last
