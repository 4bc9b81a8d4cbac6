"""Files that are read in parts: at the borders nothing is lost, and nothing looks like something else."""

import io
from zipfile import ZipFile

import pytest

from shared_code.documents import BrokenDocument, DocumentLimits, Segment, extract
from tests.unit import documents_corpus as corpus

BORDER = 1_000_000


def segments(name: str, data: str | bytes) -> tuple[Segment, ...]:
    """What a file holds."""
    return extract(name, data if isinstance(data, bytes) else data.encode(), DocumentLimits()).segments


def text(name: str, data: str | bytes) -> str:
    """All that it holds, a line for each segment."""
    return "\n".join(segment.text for segment in segments(name, data))


@pytest.mark.parametrize("head", ["0.", "1e", "1"])
def test_number_at_a_border_is_read_whole(head):
    before = '{"v": ['
    padding = " " * (BORDER - len(before) - len(head))
    assert f"{head}5" in text("a.json", f"{before}{padding}{head}5,{'1,' * 600_000}1]}}")[:50]


def test_records_of_numbers_are_read_whole():
    assert set(text("a.jsonl", "111111.5\n" * 200_000).split("\n")) == {"111111.5"}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_long_records_in_several_lines_each_are_read(name):
    records = (f'{{\n "id": {words},\n "t": "{"word " * words}"\n}}\n' for words in (10, 80_000, 230_000))
    assert text(name, "".join(records)).count("word") == 310_010


@pytest.mark.parametrize("comment", ["\n// as of today\n", " /* as of today */", "\n# as of today\n"])
def test_comment_below_a_value_is_left_out(comment):
    assert text("a.json", '{"a": 1}' + comment) == "a: 1"


def test_long_table_below_a_title_has_its_columns():
    rows = "".join(f"item {number},{number},15\n" for number in range(80_000))
    found = segments("a.csv", f"Report 2024\n\nname,qty,price\n{rows}")
    assert (found[0].text, found[2].text) == ("Report 2024", "item 0 | 0 | 15")
    assert {segment.header for segment in found[2:]} == {"name | qty | price"}


def test_large_binary_file_is_no_text():
    with pytest.raises(BrokenDocument, match="binary"):
        text("a.txt", b"\x01a" * 600_000)


def test_dimension_of_a_sheet_may_have_an_end_of_its_own():
    rows = "".join(corpus.sheet_row(number, {"A": "Ulm", "B": number}) for number in range(1, 5))
    workbook = corpus.xlsx({"S": rows}, dimension="A1:U100000")
    changed = io.BytesIO()
    with ZipFile(io.BytesIO(workbook)) as before, ZipFile(changed, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            after.writestr(name, part.replace(b'"A1:U100000"/>', b'"A1:U100000"></dimension>'))
    assert text("a.xlsx", changed.getvalue()).count("Ulm") == 4
    assert changed.getvalue() != workbook


@pytest.mark.parametrize("odd", ["<!-- {} -->", "<tr style='display:none'><td>hidden</td></tr>", ""])
def test_long_table_of_a_web_page_is_read_as_a_short_one_is(odd):
    rows = "".join(f"<tr><td>number {number}</td><td>value</td></tr>" for number in range(50_000))
    inner = odd.format("<tr><td>never shown</td></tr>" * 3_000)
    found = text("a.html", f"<table>{rows}{inner}{rows}</table><p>{'After. ' * 20}</p>{' ' * 2 * BORDER}")
    assert (found.count("value"), found.count("After."), found.count("number 49999")) == (100_000, 20, 2)
    assert "never shown" not in found
    assert "hidden" not in found


@pytest.mark.parametrize("item", ["<p>{}</p>", "<li>{}", "<div><div>{}</div></div>", "<h2>{}</h2>"])
def test_long_page_is_read_as_a_short_one_is(item):
    items = [f"Port {number} has a quay for barges and a crane." for number in range(80_000)]
    page = "".join(map(item.format, items))
    found = text("a.html", f"<main><script>'<div>'</script><ul>{page}</ul></main>")
    assert [line for line in found.split("\n") if line] == items


def test_headings_of_a_long_page_hold_to_its_end():
    page = "<p>Port of Ulm.</p>" * 300_000
    found = segments("a.html", f"<title>Ports</title><main><h1>Danube</h1>{page}<p>Last.</p></main>")
    assert (found[-1].text[-5:], found[-1].context) == ("Last.", ("Ports", "Danube"))
