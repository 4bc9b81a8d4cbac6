"""Files that are zip containers besides docx and xlsx: slides, OpenDocument texts and books."""

import pytest

from shared_code.documents import BrokenDocument, DocumentTooLarge, EncryptedDocument
from tests.unit.documents.reading import contexts, read, text, texts
from tests.unit.documents_corpus import OFFICE, docx, paragraph, relationships, zipped

DRAWING = f'xmlns:p="urn:p" xmlns:a="urn:a" xmlns:r="{OFFICE}"'


def shape(words: str, kind: str = "body") -> str:
    lines = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in words.split("\n"))
    return f'<p:sp><p:nvPr><p:ph type="{kind}"/></p:nvPr><p:txBody>{lines}</p:txBody></p:sp>'


def pptx(*slides: str, notes: str = "") -> bytes:
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    beside = relationships(("notesSlide", "../notesSlides/notes1.xml"))
    members = {
        "_rels/.rels": relationships(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f"<p:presentation {DRAWING}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relationships(
            *(("slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1))
        ),
        "ppt/slides/_rels/slide1.xml.rels": beside,
        "ppt/notesSlides/notes1.xml": f"<p:notes {DRAWING}>{shape(notes)}{shape('1', 'sldNum')}</p:notes>",
    }
    parts = {
        f"ppt/slides/slide{n}.xml": f"<p:sld {DRAWING}>{s}</p:sld>" for n, s in enumerate(slides, start=1)
    }
    return zipped(members | parts)


def test_slides_are_read_with_title_first_and_notes_last():
    data = pptx(shape("Go\nslowly") + shape("Rules", "title"), shape("End"), notes="Say hello.")
    assert texts("a.pptx", data) == ["Rules\n\nGo\nslowly\n\nSay hello.", "End"]
    assert contexts("a.pptx", data) == [("Rules",), ("Slide 2",)]
    assert [segment.position.page for segment in read("a.pptx", data).segments] == [1, 2]


def test_tables_groups_and_alternative_texts_of_slides_are_read():
    row = "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{c}</a:t></a:r></a:p></a:txBody></a:tc>" for c in "ab")
    table = f"<p:graphicFrame><a:tbl><a:tr>{row}</a:tr></a:tbl></p:graphicFrame>"
    picture = '<p:pic><p:nvPicPr><p:cNvPr id="4" descr="A bridge"/></p:nvPicPr></p:pic>'
    assert (
        text("a.pptx", pptx(f"<p:grpSp>{shape('In')}</p:grpSp>{table}{picture}")) == "In\n\na | b\n\nA bridge"
    )


def test_footer_of_all_slides_is_read_once():
    footer = shape("Example Ltd", "ftr")
    assert text("a.pptx", pptx(shape("One") + footer, shape("Two") + footer)).count("Example Ltd") == 1


def odt(
    body: str, *, manifest: str = "<m/>", styles: str = "<s/>", kind: str = "text", **objects: str
) -> bytes:
    names = 'xmlns:text="urn:t" xmlns:table="urn:b" xmlns:draw="urn:d" xmlns:svg="urn:s" xmlns:office="urn:o"'
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:c {names}><office:body>{body}</office:body></office:c>",
            "styles.xml": styles,
            "META-INF/manifest.xml": manifest,
            "meta.xml": '<m xmlns:dc="urn:dc"><dc:title>Handbook</dc:title></m>',
            **{f"{name}/content.xml": content for name, content in objects.items()},
        }
    )


def test_open_document_text_is_cut_at_headings():
    body = (
        '<text:h text:outline-level="1">Leave</text:h><text:p>Ask <text:span>first</text:span>.</text:p>'
        "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>"
        '<text:h text:outline-level="2">Norway</text:h><text:p>Wait<text:line-break/>here.</text:p>'
    )
    leave, norway = ("Handbook", "Leave"), ("Handbook", "Leave", "Norway")
    assert texts("a.odt", odt(body)) == ["Leave\n\nAsk first.\n\none", "a | b", "Norway\n\nWait\nhere."]
    assert contexts("a.odt", odt(body)) == [leave, leave, norway]


def odt_level(depth: int, form: str, more: str = "") -> str:
    return f'<text:level text:level="{depth}" s:num-format="{form}" s:num-suffix="." {more} xmlns:s="urn:y"/>'


def odt_list(*items: str, more: str = "") -> str:
    listed = "".join(f"<text:list-item>{item}</text:list-item>" for item in items)
    return f"<text:list {more}>{listed}</text:list>"


def test_numbers_of_headings_and_lists_of_open_documents_are_read():
    headings = odt_level(1, "1") + odt_level(2, "1", 'text:display-levels="2"')
    outline = f"<text:outline-style>{headings}</text:outline-style>"
    levels = odt_level(1, "1") + odt_level(2, "a", 's:num-prefix="("')
    style = f'<text:list-style s:name="L" xmlns:s="urn:y">{levels}</text:list-style>'
    bullets = f'<text:list-style s:name="B" xmlns:s="urn:y">{odt_level(1, "")}</text:list-style>'
    one, two, three = (f"<text:p>{word}</text:p>" for word in ("one", "two", "three"))
    body = (
        '<text:h text:outline-level="1">Leave</text:h><text:h text:outline-level="2">Norway</text:h>'
        '<text:h text:outline-level="2">Spain</text:h><text:h text:outline-level="1">Trips</text:h>'
        + odt_list(one, two + odt_list(three, one), more='text:style-name="L" xml:id="l1"')
        + odt_list(three, more='text:style-name="L" text:continue-list="l1"')
        + odt_list(one, more='text:style-name="L"')
        + odt_list(two, more='text:style-name="B"')
    )
    styles = f'<s xmlns:text="urn:t">{outline}</s>'
    found = text("a.odt", odt(style + bullets + body, styles=styles)).split("\n")
    assert list(filter(None, found)) == [
        "1. Leave", "1.1. Norway", "1.2. Spain", "2. Trips",
        "1. one", "2. two", "(a. three", "(b. one", "3. three", "1. one", "two",
    ]  # fmt: skip


def odt_style(name: str, *levels: str) -> str:
    return f'<text:list-style s:name="{name}" xmlns:s="urn:y">{"".join(levels)}</text:list-style>'


ALL_NUMBERS = [odt_level(depth, "1", f'text:display-levels="{depth}"') for depth in (1, 2, 3)]
TOP, SUB, SUBSUB = (f"<text:p>{word}</text:p>" for word in ("top", "sub", "subsub"))
NEW, SAME = 'text:style-name="L"', 'text:style-name="L" text:continue-numbering="true"'


@pytest.mark.parametrize(
    ("lists", "numbered"),
    [
        ([odt_list(odt_list(SUB), TOP, more=NEW)], ["1.1. sub", "2. top"]),
        (
            [
                odt_list(
                    TOP,
                    odt_list(SUB),
                    odt_list(SUB),
                    TOP,
                    odt_list(odt_list(SUBSUB)),
                    odt_list(SUB),
                    more=NEW,
                )
            ],
            ["1. top", "1.1. sub", "1.2. sub", "2. top", "2.1.1. subsub", "2.2. sub"],
        ),
        ([odt_list(odt_list(SUB), more=NEW), odt_list(TOP, more=SAME)], ["1.1. sub", "2. top"]),
        (
            [odt_list(TOP + odt_list(SUB, SUB), more=NEW), odt_list(TOP, odt_list(SUB), more=SAME)],
            ["1. top", "1.1. sub", "1.2. sub", "2. top", "2.1. sub"],
        ),
        (
            [odt_list(TOP + odt_list(SUB), more=NEW), odt_list(odt_list(SUB), TOP, more=SAME)],
            ["1. top", "1.1. sub", "1.2. sub", "2. top"],
        ),
        ([odt_list(TOP, more=NEW), odt_list(odt_list(SUB), more=NEW)], ["1. top", "1.1. sub"]),
    ],
)
def test_items_without_a_text_count_as_libreoffice_counts_them(lists: list[str], numbered: list[str]):
    body = odt_style("L", *ALL_NUMBERS) + "<text:p>-</text:p>".join(lists)
    assert [line for line in text("a.odt", odt(body)).split("\n") if line.strip("-")] == numbered


def test_first_items_of_an_open_document_without_a_text_have_the_first_numbers_of_their_levels():
    second = odt_level(2, "1", 'text:display-levels="2" text:start-value="3"')
    style = odt_style("L", odt_level(1, "1", 'text:start-value="2"'), second, ALL_NUMBERS[2])
    body = style + odt_list(odt_list(odt_list(SUBSUB)), TOP, more=NEW)
    assert text("a.odt", odt(body)).split("\n") == ["2.3.1. subsub", "3. top"]


def test_headings_that_a_list_numbers_are_headings():
    leave, norway = (
        '<text:h text:outline-level="1">Leave</text:h>',
        '<text:h text:outline-level="2">Norway</text:h>',
    )
    body = (
        odt_style("L", *ALL_NUMBERS)
        + odt_list(leave, more=NEW)
        + "<text:p>Ask.</text:p>"
        + odt_list(odt_list(norway), more=SAME)
        + "<text:p>Wait.</text:p>"
    )
    assert texts("a.odt", odt(body)) == ["1. Leave\n\nAsk.", "1.1. Norway\n\nWait."]
    assert contexts("a.odt", odt(body))[1] == ("Handbook", "1. Leave", "1.1. Norway")


def odt_object(name: str) -> str:
    return f'<draw:frame><draw:object x:href="./{name}" xmlns:x="urn:x"/><draw:image/></draw:frame>'


def test_charts_and_formulas_of_an_open_document_are_read_where_they_stand_and_once():
    names = 'xmlns:c="urn:c" xmlns:text="urn:t" xmlns:table="urn:b"'
    cells = odt_row(odt_cell(""), odt_cell("Ships")), odt_row(odt_cell("May"), odt_cell("7"))
    chart = (
        f"<c:chart {names}><c:title><text:p>Arrivals</text:p></c:title><c:label-separator><text:p>; </text:p>"
        f"</c:label-separator><c:plot>{odt_table(*cells)}</c:plot></c:chart>"
    )
    typed = "<math><mfrac><mi>y</mi><mi>x</mi></mfrac><annotation>y over x</annotation></math>"
    bare = "<math><mi>y</mi><mo>=</mo><mn>2</mn></math>"
    body = f"<text:p>See{odt_object('C')}and {odt_object('T')}{odt_object('B')}{odt_object('C')}.</text:p>"
    assert text("a.odt", odt(body, C=chart, T=typed, B=bare)).split("\n") == [
        "See", "Arrivals", " | Ships", "May | 7", "and ", "y over x", "", "y = 2", ".",
    ]  # fmt: skip


def test_parts_of_an_open_document_that_are_nested_too_deep_are_refused_by_name():
    deep = "<a>" * 5_000 + "</a>" * 5_000
    with pytest.raises(DocumentTooLarge, match="nesting"):
        read("a.odt", odt(f"<text:p>{odt_object('D')}</text:p>", D=deep))
    with pytest.raises(DocumentTooLarge, match="nesting"):
        read("a.odt", odt("<text:p>Hi.</text:p>", styles=f"<s><header>{deep}</header></s>"))


def odt_table(*rows: str) -> str:
    return f"<table:table>{''.join(rows)}</table:table>"


def odt_row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def odt_cell(words: str, spans: str = "") -> str:
    return f"<table:table-cell {spans}><text:p>{words}</text:p></table:table-cell>"


def test_rows_of_an_open_document_know_their_names_and_what_merged_cells_hold():
    names = odt_row(*map(odt_cell, ("Port", "Berth", "Dues")))
    table = odt_table(
        f"<table:table-header-rows>{names}</table:table-header-rows>",
        odt_row(odt_cell("Ulm", 'table:number-rows-spanned="2"'), odt_cell("A"), odt_cell("40")),
        odt_row("<table:covered-table-cell/>", odt_cell("B"), odt_cell("60")),
        odt_row(
            odt_cell("Linz", 'table:number-columns-spanned="2"'),
            "<table:covered-table-cell/>",
            odt_cell("50"),
        ),
        odt_row('<table:table-cell table:number-columns-repeated="2"/>', odt_cell("150")),
    )
    head, *rows = read("a.odt", odt(table)).segments
    assert head.text == "Port | Berth | Dues"
    assert [row.text for row in rows] == ["Ulm | A | 40", "Ulm | B | 60", "Linz |  | 50", " |  | 150"]
    assert {row.header for row in rows} == {"Port | Berth | Dues"}


def test_what_cells_hold_that_are_merged_both_ways_stays_in_their_first_column():
    both = 'table:number-columns-spanned="2" table:number-rows-spanned="2"'
    covered = "<table:covered-table-cell/>"
    table = odt_table(
        odt_row(odt_cell("Ulm"), odt_cell("A", 'table:number-rows-spanned="2"'), odt_cell("40")),
        odt_row(odt_cell("Linz"), covered, odt_cell("60")),
        odt_row(odt_cell("Graz", both), covered, odt_cell("50")),
        odt_row(covered, covered, odt_cell("70")),
    )
    assert texts("a.odt", odt(table)) == ["Ulm | A | 40", "Linz | A | 60", "Graz |  | 50", "Graz |  | 70"]


def test_open_document_notes_comments_and_alternative_texts_are_read_and_deleted_text_is_not():
    body = (
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:p>Text"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p>"
        "</text:note-body></text:note><draw:frame><svg:desc>A bridge</svg:desc></draw:frame></text:p>"
    )
    assert text("a.odt", odt(body)).split() == ["Text", "A", "note.", "A", "bridge"]


def test_header_of_an_open_document_is_read_once():
    header = (
        '<s xmlns:style="urn:y" xmlns:text="urn:t"><style:header><text:p>Contract</text:p></style:header></s>'
    )
    assert texts("a.odt", odt("<text:p>Text</text:p>", styles=header)) == ["Contract", "Text"]


def test_slides_of_open_document_are_pages():
    body = "<draw:page><text:p>One</text:p></draw:page><draw:page><text:p>Two</text:p></draw:page>"
    assert [s.position.page for s in read("a.odp", odt(body, kind="presentation")).segments] == [1, 2]


def test_protected_open_document_is_encrypted():
    manifest = '<m xmlns:manifest="urn:m"><manifest:encryption-data/></m>'
    with pytest.raises(EncryptedDocument):
        read("a.odt", odt("", manifest=manifest))


def epub(*chapters: str) -> bytes:
    items = "".join(
        f'<item id="c{n}" href="t/c%20{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    order = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    package = f'<package xmlns:dc="urn:dc"><dc:title>Boats</dc:title>{items}<spine>{order}</spine></package>'
    return zipped(
        {
            "META-INF/container.xml": '<c><rootfile full-path="O/book.opf"/></c>',
            "O/book.opf": package,
            **{f"O/t/c {n}.xhtml": chapter for n, chapter in enumerate(chapters)},
        }
    )


def test_chapters_of_a_book_are_read_in_their_order_and_whole():
    body = "<body><h1>{0}</h1><aside>Note {0}</aside></body>"
    page = f"<html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head>{body}</html>"
    data = epub(page.format("Last"), page.format("First"))
    assert texts("a.epub", data) == ["First\n\nNote First", "Last\n\nNote Last"]
    assert contexts("a.epub", data) == [("Boats", "First"), ("Boats", "Last")]


@pytest.mark.parametrize("name", ["a.pptx", "a.odt", "a.odp", "a.epub"])
@pytest.mark.parametrize(
    "data", [docx(paragraph("x")), b"no zip", b"PK\x03\x04"], ids=["docx", "text", "cut off"]
)
def test_other_files_under_these_names_are_broken(name, data):
    with pytest.raises(BrokenDocument):
        read(name, data)


def test_merged_cells_of_slides_belong_to_each_of_their_rows():
    def cell(words: str, merged: str = "") -> str:
        return f"<a:tc {merged}><a:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></a:txBody></a:tc>"

    rows = [cell("Ulm", 'rowSpan="2"') + cell("A"), cell("", 'vMerge="1"') + cell("B"), cell("") + cell("C")]
    table = "".join(f"<a:tr>{row}</a:tr>" for row in rows)
    slide = f"<p:graphicFrame><a:tbl>{table}</a:tbl></p:graphicFrame>"
    assert text("a.pptx", pptx(slide)).split("\n") == ["Ulm | A", "Ulm | B", " | C"]


@pytest.mark.parametrize("end", [b"", b"\r\n\x00"], ids=["at once", "padded"])
def test_headers_and_notes_of_rich_text_follow_its_text(end):
    data = rb"{\rtf1{\header Contract \{7\}}Rent{\footnote {\b Heated.}} is due.{\footerr Page}}" + end
    assert [line.strip() for line in text("a.rtf", data).split("\n")] == [
        "Rent is due.", "Contract {7}", "Heated.", "Page",
    ]  # fmt: skip


def test_comments_of_rtf_are_read_without_what_programs_note_of_them():
    noted = rb"{\*\atnid AB}{\*\atnauthor Anna}\chatn"
    data = rb"{\rtf1 Rent" + noted + rb"{\*\annotation{\*\atndate -202}Too {\b high}} is due.}"
    assert text("a.rtf", data).split("\n") == ["Rent is due.", "Too high"]


def test_text_in_a_style_that_openoffice_marked_as_new_is_read():
    assert (
        text("a.rtf", rb"{\rtf1{\*\generator x}{\i0\*\cs7\cf0 The fox} \\*\\ jumps}") == "The fox \\*\\ jumps"
    )


def test_rich_text_whose_note_does_not_end_is_read():
    assert "Open" in text("a.rtf", rb"{\rtf1 Rent{\footnote Open")


def test_rich_text_is_read_in_its_encoding():
    assert text(
        "a.rtf", rb"{\rtf1\ansi\ansicpg1250 \u381\'8ei\'9ekov {\*\generator x}{\pict 0a0b}\par Ende}"
    ).strip() == ("Žižkov \nEnde")
