"""Files made to hurt: each ends in seconds with its text or with the error that says why not."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import pytest

from shared_code.documents import (
    BrokenDocument,
    DocumentError,
    DocumentLimits,
    DocumentTooLarge,
    EncryptedDocument,
    extract,
)
from shared_code.documents.chunking import chunk, chunks
from shared_code.documents.extraction import read_segments
from shared_code.documents.sandbox import close_readers, read_file
from tests.unit import documents_corpus as corpus


@pytest.fixture(scope="module", autouse=True)
def _readers_end_with_the_module():
    yield
    close_readers()


async def read(name, data, **limits) -> Any:
    """The chunks; past its deadline a file ends in an ExtractionTimeout."""
    found = await read_file(name, data, DocumentLimits(**limits), max_tokens=8_000, overlap_tokens=0)
    return found.chunks


def seconds_of_ended_processes() -> float:
    """What they have used of processors, however many others shared these."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def test_pdf_without_cross_references_is_still_read():
    chunks = await read("a.pdf", corpus.pdf(["Found again."], xref=False))
    assert [chunk.text for chunk in chunks] == ["Found again."]


@pytest.mark.parametrize("kept", [5, 100, 400])
async def test_truncated_pdf_is_broken(kept):
    with pytest.raises(BrokenDocument):
        await read("a.pdf", corpus.pdf(["Text."])[:kept])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", corpus.encrypted_pdf()),
        ("a.docx", corpus.encrypted_office()),
        ("a.xlsx", corpus.encrypted_office()),
    ],
)
async def test_password_protected_file_is_encrypted(name, data):
    with pytest.raises(EncryptedDocument, match="password"):
        await read(name, data)


@pytest.mark.parametrize(
    ("name", "message"), [("a.docx", "old binary Office format"), ("a.xlsx", "read as a workbook")]
)
async def test_old_binary_office_file_is_told_apart_from_an_encrypted_one(name, message):
    with pytest.raises(BrokenDocument, match=message):
        await read(name, corpus.old_office())


@pytest.mark.parametrize(("name", "make"), [("a.docx", corpus.docx_bomb), ("a.xlsx", corpus.xlsx_bomb)])
async def test_zip_bomb_is_too_large_before_it_is_opened(name, make):
    with pytest.raises(DocumentTooLarge, match="decompressed"):
        await read(name, make())


@pytest.mark.parametrize(("name", "make"), [("a.docx", corpus.docx_bomb), ("a.xlsx", corpus.xlsx_bomb)])
async def test_zip_bomb_that_understates_its_size_does_no_harm(name, make):
    with pytest.raises((DocumentTooLarge, BrokenDocument)):
        await read(name, corpus.understating(make(), declared=1000))


async def test_sheet_with_two_far_corners_does_not_eat_memory():
    (chunk,) = await read("a.xlsx", corpus.sparse_xlsx())
    assert chunk.text.split() == ["first", "last"]


async def test_last_row_that_a_sheet_can_have_is_read():
    (chunk,) = await read("a.xlsx", corpus.xlsx({"S": corpus.sheet_row(1_048_576, {"A": "last"})}))
    assert (chunk.text, chunk.position.row) == ("last", 1_048_576)


async def test_csv_of_a_hundred_thousand_columns_is_too_large():
    with pytest.raises(DocumentTooLarge, match="16,384 columns"):
        await read("a.csv", corpus.wide_csv(100_000))


async def test_csv_as_wide_as_a_spreadsheet_may_be_is_read():
    chunks = await read("a.csv", corpus.wide_csv(16_384))
    assert {chunk.position.row for chunk in chunks} == {1, 2}


async def test_json_of_fifty_megabytes_on_one_line_is_read():
    data = corpus.one_line_json(50_000_000)
    close_readers()
    before = seconds_of_ended_processes()
    # Time enough on any machine: what counts is whether the work fits into the deadline of an idle one.
    chunks = await read("a.json", data, seconds=600, seconds_per_megabyte=600)
    close_readers()
    assert sum(len(chunk.text) for chunk in chunks) > 40_000_000
    assert seconds_of_ended_processes() - before < DocumentLimits().seconds_for(len(data))


@pytest.mark.parametrize("data", [b"[" * 200, b'{"a":' * 1_000_000, b"[" * 200 + b"]" * 200])
async def test_json_nested_without_end_ends(data):
    with pytest.raises((DocumentTooLarge, BrokenDocument)):
        await read("a.json", data)


async def test_html_with_megabytes_of_script_gives_its_text():
    (chunk,) = await read("a.html", corpus.scripted_html(10))
    assert chunk.text == "Read this."


async def test_html_nested_ten_thousand_deep_gives_its_text():
    (chunk,) = await read("a.html", b"<div>" * 10_000 + b"deep")
    assert chunk.text == "deep"


@pytest.mark.parametrize("tags", ["<div>", "<ul><li>", "<table><tr><td>", "<blockquote>", "<sup>"])
async def test_html_nested_so_deep_that_its_parser_would_crawl_is_refused_at_once(tags):
    with pytest.raises(DocumentTooLarge, match="nesting"):
        await read("a.html", tags.encode() * 100_000 + b"deep", seconds=5)


async def test_docx_nested_without_end_is_too_large():
    body = "<w:p>" * 50_000 + "</w:p>" * 50_000
    with pytest.raises(DocumentTooLarge, match="nesting"):
        await read("a.docx", corpus.docx(body))


async def test_entities_that_multiply_are_refused():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<!DOCTYPE d [<!ENTITY l0 "ha">{laughs}]><d>&l11;</d>'
    members = {"_rels/.rels": corpus.relationships(("officeDocument", "d.xml")), "d.xml": xml}
    with pytest.raises((BrokenDocument, DocumentTooLarge)):
        await read("a.docx", corpus.zipped(members))


WORDS = "lorem ipsum dolor sit amet consectetur "
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]><d><p>&l11;</p></d>'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xml", BOMB.encode()),
        ("a.odt", corpus.zipped({"content.xml": BOMB})),
        ("a.epub", corpus.zipped({"META-INF/container.xml": BOMB})),
        (
            "a.pptx",
            corpus.zipped(
                {
                    "_rels/.rels": corpus.relationships(("officeDocument", "p.xml")),
                    "p.xml": BOMB.replace("<d>", "<presentation>").replace("</d>", "</presentation>"),
                }
            ),
        ),
    ],
    ids=["xml", "odt", "epub", "pptx"],
)
async def test_entities_that_multiply_do_no_harm_in_any_kind(name, data):
    with suppress(DocumentError):
        assert sum(len(chunk.text) for chunk in await read(name, data)) < 10_000


@pytest.mark.parametrize("name", ["a.odt", "a.pptx", "a.epub"])
async def test_zip_bomb_of_any_kind_is_too_large(name):
    with pytest.raises(DocumentTooLarge, match="decompressed"):
        await read(name, corpus.docx_bomb())


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xml", b"<a>" * 100_000 + b"deep" + b"</a>" * 100_000),
        ("a.odt", corpus.zipped({"content.xml": "<p>" * 50_000 + "deep" + "</p>" * 50_000})),
        ("a.rtf", b"{\\rtf1 " + b"{" * 200_000 + b"deep"),
        ("a.md", b"# " * 100_000 + b"\n" + b"> " * 100_000),
        ("a.rst", b"=" * 500_000 + b"\n" + b"-\n" * 100_000),
        ("a.org", b"|-" * 200_000 + b"\n" + b"|-" * 200_000),
        ("a.yaml", b"- " * 500_000),
        ("a.vtt", b"00:00 --> " * 100_000),
        ("a.jsonl", b'{"a": "' * 100_000),
        ("a.jsonl", b"{\n" * 200_000),
        ("a.json", b'{"a": 1, // ' * 50_000),
        ("a.json", b"/*" * 200_000),
        ("a.txt", b"data:image/png;base64," * 50_000),
        ("a.txt", b"A1b" * 500_000),
        ("a.html", b"<div class=nav>" * 3_000 + b"<a>x</a>" * 3_000),
        ("a.eml", b"Subject: x\n" * 100_000),
    ],
)
async def test_text_that_repeats_its_marks_without_end_ends(name, data):
    with suppress(DocumentError):
        await read(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", corpus.docx(corpus.paragraph("Text."))),
        ("a.xlsx", corpus.xlsx({"S": corpus.sheet_row(1, {"A": "Text."})})),
        ("a.pdf", corpus.pdf(["Text."])),
    ],
)
async def test_file_with_any_damaged_byte_is_read_or_refused(name, data):
    for place in range(0, len(data), 29):
        with suppress(DocumentError):
            await read(name, data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])


def peak_of_memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.csv", "a,b\n1,", ""),
        ("a.eml", "Subject: x\n\n", ""),
        ("a.html", "<p>", ""),
        ("a.xml", "<a>", "</a>"),
    ],
)
def test_line_of_megabytes_takes_a_few_times_its_size_in_memory(name, before, after):
    data = f"{before}{WORDS * 100_000}{after}".encode()
    extract(name, f"{before}x{after}".encode(), DocumentLimits())  # loads the parser
    assert peak_of_memory(lambda: extract(name, data, DocumentLimits())) < 9 * len(data)


def test_headers_that_take_megabytes_each_are_not_all_kept():
    part = "--b\nContent-Type: text/plain; {}\n\nx\n"
    parts = "".join(part.format("; ".join(f"a{n}{k}=b" for k in range(20))) for n in range(120))
    data = f"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n".encode()
    assert peak_of_memory(lambda: extract("a.eml", data, DocumentLimits())) < 200 * len(data)


@pytest.mark.parametrize("hostile", ["/* ", '\\"', "\n", ", ", '"'])
def test_json_in_which_nothing_ends_is_looked_through_once(hostile):
    with suppress(DocumentError):
        extract("a.json", f'[1, "{hostile * 400_000}x'.encode(), DocumentLimits())
    with pytest.raises(BrokenDocument):
        extract("a.json", f"[{hostile * 400_000}x".encode(), DocumentLimits())


@pytest.mark.parametrize(
    ("name", "data", "megabytes"),
    [
        ("a.csv", b"Number,Port\n" + b"12,Ulm an der Donau\n" * 40_000, 7),
        ("a.json", b"[" + b'{"a":1},' * 60_000 + b'{"a":2}]', 20),
        ("a.json", b'{"list": [' + b'{"a":1},' * 60_000 + b'{"a":2}], "b": 1}', 20),
        ("a.jsonl", b'{"a":1}\n' * 30_000, 5),
    ],
    ids=["csv", "json", "list in json", "jsonl"],
)
def test_large_file_is_never_held_as_a_whole(name, data, megabytes):
    def read_through() -> None:
        for _ in chunks(read_segments(name, data, DocumentLimits(), []), max_tokens=512, overlap_tokens=64):
            pass

    assert peak_of_memory(read_through) < megabytes * 1_000_000


def test_blank_lines_below_embedded_data_are_looked_through_once():
    data = b"data:image/png;base64," + b"A" * 30 + b"\n" * 200_000 + b"after"
    assert extract("a.txt", data, DocumentLimits()).segments[0].text.endswith("\nafter")


def test_line_of_a_megabyte_that_could_be_a_title_takes_no_more():
    document = extract("a.json", f'{{"a": "{WORDS * 25_000}"}}'.encode(), DocumentLimits())
    size = len(document.segments[0].text)
    assert peak_of_memory(lambda: chunk(document, max_tokens=512, overlap_tokens=64)) < 9 * size


def test_text_without_breaks_takes_a_few_times_its_size_in_memory():
    document = extract("a.txt", b"x1y2z3w4" * 50_000, DocumentLimits())
    size = len(document.segments[0].text)
    assert peak_of_memory(lambda: chunk(document, max_tokens=512, overlap_tokens=64)) < 8.5 * size


def test_picture_among_many_in_one_paragraph_is_looked_at_once():
    data = b"<p>" + b"<img alt='A boat'>" * 20_000 + b"<img alt='A bridge'>"
    assert extract("a.html", data, DocumentLimits()).segments[0].text == "A boat A bridge"


@pytest.mark.parametrize("hostile", ["<div ", "<!--", "<script ", "</div>", "<div>"])
def test_long_page_in_which_nothing_ends_is_looked_through_once(hostile):
    with suppress(DocumentError):
        extract("a.html", (hostile * (4_500_000 // len(hostile))).encode(), DocumentLimits())


def test_elements_that_many_cells_leave_open_are_not_nested():
    rows = "".join(f"<tr><td><center>{n}<td><div>Ulm<td>{n + 1}" for n in range(10_000))
    data = f"<table><tr><th>First<th>Port<th>Last{rows}</table><p>After.".encode()
    segments = extract("a.html", data, DocumentLimits()).segments
    assert (segments[-2].text, segments[-1].text) == ("9999 | Ulm | 10000", "After.")


def test_many_elements_that_are_closed_at_once_are_not_nested():
    data = b"<?xml version='1.0'?><html><body>" + b"<div/>" * 20_000 + b"flat</body></html>"
    assert extract("a.xhtml", data, DocumentLimits()).segments[0].text == "flat"


def test_pictures_in_each_of_many_nested_elements_take_a_few_times_their_size_in_memory():
    data = (b"<div><img alt='A boat'>" + b"Words of a page. " * 6) * 1_500
    assert peak_of_memory(lambda: extract("a.html", data, DocumentLimits())) < 200 * len(data)


def test_blank_rows_below_a_wide_cell_are_not_kept():
    wide = b"<tr><td colspan=1000 rowspan=65534>a<td>b</tr>"
    data = b"<table>" + wide + b"<tr></tr>" * 500 + b"</table>"
    assert peak_of_memory(lambda: extract("a.html", data, DocumentLimits())) < 3_000_000


def test_tables_within_tables_without_end_give_their_text():
    data = b"<table><tr><td>" * 10_000 + b"deep"
    assert extract("a.html", data, DocumentLimits()).segments[0].text.strip(" |") == "deep"


def test_columns_that_cells_span_over_and_over_are_bounded():
    row = b"<tr><td colspan=1000 rowspan=65534>a</td><td>b</td></tr>"
    segments = extract("a.html", b"<table>" + row * 200 + b"</table>", DocumentLimits()).segments
    assert sum(segment.text.count("b") for segment in segments) == 200
    assert max(len(segment.text) for segment in segments) < 20_000


async def test_csv_with_an_open_quote_keeps_all_its_text():
    data = b'a,b\n1,"open\n' + b"2,3\n" * 100_000
    chunks = await read("a.csv", data)
    assert sum(chunk.text.count("2,3") for chunk in chunks) == 100_000


@pytest.mark.parametrize(
    ("limit", "name", "data"),
    [
        ({"file_bytes": 10}, "a.txt", b"eleven byte"),
        ({"pages": 1}, "a.pdf", corpus.pdf(["a", "b"])),
        ({"sheets": 1}, "a.xlsx", corpus.xlsx({"A": "", "B": ""})),
        ({"rows": 2}, "a.csv", b"a,b\n1,2\n3,4\n"),
        ({"rows": 2}, "a.json", b"[1,2,3]"),
        ({"rows": 2}, "a.jsonl", b"1\n2\n3\n"),
        ({"columns": 1}, "a.csv", b"a,b\n"),
        ({"nesting": 2}, "a.json", b'{"a": {"b": {"c": 1}}}'),
        ({"characters": 5}, "a.txt", b"sixsix"),
        ({"expanded_bytes": 100}, "a.docx", corpus.docx(corpus.paragraph("x"))),
    ],
)
def test_each_limit_ends_in_a_sentence_that_says_what_the_user_can_do(limit, name, data):
    with pytest.raises(DocumentTooLarge, match=r"^The file [^.]+: (split it|make it flatter)\.$"):
        extract(name, data, DocumentLimits(**limit))
