"""What comes out of a good file of each kind, and how bytes become text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents import (
    BrokenDocument,
    DocumentLimits,
    EmptyDocument,
    Position,
    UnsupportedKind,
    extract,
)
from tests.unit import documents_corpus as corpus
from tests.unit.documents_corpus import (
    ARABIC,
    CHINESE,
    HEBREW,
    docx,
    image,
    paragraph,
    pdf,
    sheet_row,
    table,
    xlsx,
)


def read(name, data) -> Any:
    return extract(name, data if isinstance(data, bytes) else data.encode(), DocumentLimits()).segments


def texts(name, data) -> Any:
    return [segment.text for segment in read(name, data)]


def positions(name, data) -> Any:
    return [segment.position for segment in read(name, data)]


@pytest.mark.parametrize("name", ["a.txt", "b.md", "folder/C.TXT"])
def test_text_is_kept_as_it_is_and_its_lines_count_from_one(name):
    assert texts(name, "# One\r\n\r\n  two\tthree") == ["# One\n\n  two\tthree"]
    assert positions(name, "x") == [Position(line=1)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("text", [f"Plain words.\n{HEBREW}\n", f"{ARABIC}\n", f"{CHINESE} one two\n" * 3])
def test_unicode_is_read_with_and_without_byte_order_mark(encoding, text):
    assert texts("a.txt", text.encode(encoding)) == [text]


def test_western_text_is_read_in_its_old_encoding():
    text = "Café au lait, s'il vous plaît, déjà vu à la façon de l'été. " * 20
    assert texts("a.txt", text.encode("cp1252")) == [text]


def test_cyrillic_text_is_read_in_its_old_encoding():
    text = "Это обычный русский текст, в котором достаточно слов для узнавания кодировки. " * 20
    assert texts("a.txt", text.encode("cp1251")) == [text]


def test_stray_western_bytes_in_utf8_do_not_spoil_the_rest():
    data = (HEBREW * 3).encode() + " naïve café ".encode("cp1252") + (CHINESE * 3).encode()
    assert texts("a.txt", data) == [HEBREW * 3 + " naïve café " + CHINESE * 3]


def test_nul_and_other_control_characters_are_left_out():
    assert texts("a.txt", b"one\x00two\x07 three, and so on to the end") == [
        "onetwo three, and so on to the end"
    ]


def test_json_object_reads_as_indented_names_and_values():
    data = """{"title": "A", "price": 1.10, "tags": ["x", "y"], "none": null,
        "size": {"w": 1, "deep": {"h": true}}}"""
    assert texts("a.json", data) == [
        "title: A",
        "price: 1.10",
        "tags: x, y",
        "none: null",
        "size:\n  w: 1\n  deep:\n    h: true",
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers()), min_size=1))
def test_values_of_a_repeated_name_in_json_are_all_kept_in_their_order(members):
    data = "{" + ", ".join(f'"{name}": {value}' for name, value in members) + "}"
    kept = {name: ", ".join(str(value) for other, value in members if other == name) for name, _ in members}
    assert texts("a.json", data) == [f"{name}: {values}" for name, values in kept.items()]


def test_records_of_json_count_from_one_within_their_member():
    data = '{"people": [{"name": "Anna"}, {"name": "Bo"}]}'
    assert texts("a.json", data) == ["name: Anna", "name: Bo"]
    assert positions("a.json", data) == [Position(section="people", row=1), Position(section="people", row=2)]


def test_records_of_json_lines_carry_the_number_of_their_line():
    data = '{"name": "Anna"}\n\n{"name": "Bo"}\n'
    assert texts("a.jsonl", data) == ["name: Anna", "name: Bo"]
    assert positions("a.jsonl", data) == [Position(row=1), Position(row=3)]


def test_invalid_json_line_is_named_by_its_number():
    with pytest.raises(BrokenDocument, match="line 2"):
        read("a.jsonl", '{"a": 1}\n{"a": \n')


def test_html_reads_as_blocks_without_script_and_style():
    data = """<title>Title</title><style>p {}</style><body>Before
        <p>One <b>bo</b>ld
        line</p><script>let x = '<p>no</p>'</script><ul><li>first<li>second</ul>
        <table><tr><th>a<th>b<tr><td>1<td>2</table><pre>x
  y</pre>"""
    assert texts("a.html", data) == [
        "Title",
        "Before\n\nOne bold line\n\nfirst\nsecond",
        "a | b",
        "1 | 2",
        "x\ny",
    ]


def test_html_is_cut_where_headings_stand():
    data = "<p>Intro</p><h1>First <i>part</i></h1><p>Text</p><div><h2>Second</h2>More</div>"
    assert texts("a.htm", data) == ["Intro", "First part\n\nText", "Second\n\nMore"]
    assert [position.section for position in positions("a.htm", data)] == [None, "First part", "Second"]


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [
        ("windows-1251", "cp1251", "Да"),
        ("ISO-8859-1", "cp1252", "“Ça”"),
        ("us-ascii", "cp1252", "“Ça”"),
        ("iso-8859-9", "cp1254", "“Ağ”"),
        ("iso-8859-2", "iso-8859-2", "Šťáva"),
        ("tis-620", "cp874", "“ไทย”"),
        ("Shift_JIS", "cp932", "①髙"),
        ("x-sjis", "cp932", "①髙"),
        ("EUC-JP", "euc-jp", "東京"),
        ("gb2312", "gb18030", "朱镕基"),
        ("big5", "big5hkscs", "着"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
    ],
)
def test_html_is_read_in_the_charset_that_it_declares_as_browsers_do(declared, encoding, text):
    data = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}"><p>{text}'.encode(
        encoding
    )
    assert texts("a.html", data) == [text]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1251", "utf-16", "Shift_JIS", "no-such-charset"])
def test_html_in_unicode_is_read_as_such_whatever_it_declares(declared, encoding):
    data = f"<meta charset={declared}><p>Grüße, “Käte” 東京".encode(encoding)
    assert texts("a.html", data) == ["Grüße, “Käte” 東京"]


@pytest.mark.parametrize("declared", ["utf-8", "utf-16", "euc-jp", "punycode", "hex"])
def test_html_that_contradicts_its_declared_charset_is_read_by_its_bytes(declared):
    data = f"<meta charset={declared}><p>Die Straße führt über die Brücke.".encode("cp1252")
    assert texts("a.html", data) == ["Die Straße führt über die Brücke."]


def test_html_takes_no_title_from_a_drawing():
    assert texts("a.html", "<body><svg><title>Icon</title></svg><p>Text") == ["Text"]
    assert texts("a.html", "<title>Page</title><svg><title>Icon</title></svg>Text") == ["Page", "Text"]


def test_pdf_is_read_page_by_page():
    data = pdf(["First page.", "", "Third page."])
    assert texts("a.pdf", data) == ["First page.", "Third page."]
    assert positions("a.pdf", data) == [Position(page=1), Position(page=3)]


def test_docx_keeps_paragraphs_and_tables_in_their_order():
    data = docx(
        paragraph("Before.") + table([["a", "b"], ["1", "2"]]) + paragraph("After."), footnote="A note."
    )
    assert texts("a.docx", data) == ["Before.", "a | b", "1 | 2", "After.", "A note."]


def test_docx_is_cut_at_headings_whatever_the_language_of_their_style():
    body = paragraph("Intro.") + paragraph("Teil 1", "berschrift1") + paragraph("Text.")
    data = docx(body, styles={"berschrift1": "heading 1"})
    assert texts("a.docx", data) == ["Intro.", "Teil 1\n\nText."]
    assert [position.section for position in positions("a.docx", data)] == [None, "Teil 1"]


def test_docx_reads_text_boxes_once_and_deleted_text_never():
    box = (
        f"<w:p><mc:AlternateContent><mc:Choice>{paragraph('Box.')}</mc:Choice>"
        f"<mc:Fallback>{paragraph('Box.')}</mc:Fallback></mc:AlternateContent></w:p>"
    )
    gone = (
        "<w:p><w:del><w:r><w:t>gone</w:t></w:r></w:del><w:r><w:t>here</w:t><w:tab/><w:t>too</w:t></w:r></w:p>"
    )
    assert texts("a.docx", docx(box + gone)) == ["Box.\n\nhere\ttoo"]


@pytest.mark.parametrize("name", ["a.png", "a.ppt", "a.tar.gz", "a.exe"])
def test_other_kinds_of_files_are_unsupported(name):
    with pytest.raises(UnsupportedKind, match="are not read"):
        read(name, "text")


@pytest.mark.parametrize("kind", ["csv", "docx", "html", "json", "jsonl", "md", "pdf", "txt", "xlsx"])
def test_file_of_nothing_but_white_space_is_empty(kind):
    for data in (b"", b" \r\n\t"):
        with pytest.raises(EmptyDocument):
            read(f"a.{kind}", data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", b"<html><body><script>x</script></body></html>"),
        ("a.docx", docx(paragraph(""))),
        ("a.xlsx", xlsx({"Empty": ""})),
        ("a.pdf", pdf([""])),
        ("a.json", b"[]"),
        ("a.csv", b",,\n,,\n"),
    ],
)
def test_file_that_holds_no_text_is_empty(name, data):
    with pytest.raises(EmptyDocument):
        read(name, data)


@pytest.mark.parametrize("kind", ["csv", "docx", "html", "json", "jsonl", "md", "pdf", "txt", "xlsx"])
def test_image_is_broken_whatever_its_name_says(kind):
    with pytest.raises(BrokenDocument):
        read(f"a.{kind}", image())


@pytest.mark.parametrize("kind", ["csv", "html", "json", "md", "txt", "xlsx", "docx"])
def test_pdf_under_another_name_is_broken(kind):
    with pytest.raises(BrokenDocument):
        read(f"a.{kind}", pdf(["Text."]))


def test_office_files_under_each_others_names_are_broken():
    for name, data in (("a.docx", xlsx({"S": sheet_row(1, {"A": "x"})})), ("a.xlsx", docx(paragraph("x")))):
        with pytest.raises(BrokenDocument):
            read(name, data)


@pytest.mark.parametrize(("name", "data"), [("a.pdf", corpus.pdf([""])), ("a.docx", corpus.docx(""))])
def test_file_without_text_may_be_a_scan_where_its_kind_holds_pictures(name, data):
    with pytest.raises(EmptyDocument, match="if it is a scan"):
        extract(name, data, DocumentLimits())


def test_file_without_text_is_no_scan_where_its_kind_holds_none():
    with pytest.raises(EmptyDocument, match=r"^The file holds no text\.$"):
        extract("a.html", b"<p></p>", DocumentLimits())


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (r"Seen {\v hidden {\b too}} text.", "Seen  text."),
        (r"Seen \v hidden\par \'e4\u228?\v0 text.", "Seen text."),
        (r"Seen {\deleted gone }text {\v\v0 all} of it.", "Seen text all of it."),
        (r"Seen \v hidden\plain text.", "Seen text."),
        (r"\viewkind4 Seen.", "Seen."),
    ],
)
def test_hidden_and_deleted_text_of_rtf_is_not_read(rtf, text):
    (segment,) = extract("a.rtf", f"{{\\rtf1 {rtf}}}".encode(), DocumentLimits()).segments
    assert segment.text == text
