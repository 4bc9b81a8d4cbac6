"""What is read of docx beyond its paragraphs: all that Word shows."""

import pytest

from shared_code.documents import DocumentTooLarge
from tests.unit.documents.reading import chunks, codes, contexts, read, text, texts
from tests.unit.documents_corpus import docx, docx_of, paragraph, table, word_part, xlsx

STYLES = (
    '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style>'
    '<w:style w:styleId="Own"><w:name w:val="Kapitel"/><w:basedOn w:val="H1"/></w:style>'
    '<w:style w:styleId="Deep"><w:name w:val="Tief"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
)
WITH_STYLES = {"styles.xml": ("styles", word_part("styles", STYLES))}


def level(depth: int, form: str, shown: str, more: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{shown}"/>{more}</w:lvl>'
    )


def numbering(*levels: str, override: str = "") -> dict[str, tuple[str, str]]:
    content = (
        f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="0"/>{override}</w:num>'
    )
    return {"numbering.xml": ("numbering", word_part("numbering", content))}


def item(words: str, depth: int = 0, list_id: int = 1) -> str:
    number = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{list_id}"/></w:numPr>'
    return f"<w:p><w:pPr>{number}</w:pPr><w:r><w:t>{words}</w:t></w:r></w:p>"


def lines(data: bytes) -> list[str]:
    return [line for line in text("a.docx", data).split("\n") if line]


def test_headers_and_footers_are_read_once():
    header, footer = word_part("hdr", paragraph("Contract 7")), word_part("ftr", paragraph("Example Ltd"))
    parts = {
        "header1.xml": ("header", header),
        "header2.xml": ("header", header),
        "footer1.xml": ("footer", footer),
    }
    assert texts("a.docx", docx_of(paragraph("Text."), parts)) == ["Contract 7", "Text.", "Example Ltd"]


def test_comments_are_read():
    comment = word_part("comments", f"<w:comment>{paragraph('Check this.')}</w:comment>")
    assert (
        texts("a.docx", docx_of(paragraph("Text."), {"comments.xml": ("comments", comment)}))[-1]
        == "Check this."
    )


def test_numbers_of_headings_and_lists_are_read():
    parts = numbering(level(0, "decimal", "%1"), level(1, "decimal", "%1.%2"))
    body = item("Scope") + item("All sites.", 1) + item("No ships.", 1) + item("Duties") + item("Logs.", 1)
    assert lines(docx_of(body, parts)) == [
        "1 Scope",
        "1.1 All sites.",
        "1.2 No ships.",
        "2 Duties",
        "2.1 Logs.",
    ]


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("lowerLetter", ["a)", "b)", "c)"]),
        ("upperLetter", ["A)", "B)", "C)"]),
        ("lowerRoman", ["i)", "ii)", "iii)"]),
        ("upperRoman", ["I)", "II)", "III)"]),
        ("decimalZero", ["01)", "02)", "03)"]),
        ("ordinal", ["1st)", "2nd)", "3rd)"]),
        ("chineseCounting", ["一)", "二)", "三)"]),
        ("ganada", ["가)", "나)", "다)"]),
    ],
)
def test_numbers_are_written_as_word_shows_them(form, shown):
    data = docx_of("".join(map(item, "xyz")), numbering(level(0, form, "%1)")))
    assert lines(data) == [f"{number} {word}" for number, word in zip(shown, "xyz", strict=True)]


def test_bullets_are_no_numbers():
    assert lines(docx_of(item("x"), numbering(level(0, "bullet", "\uf0b7")))) == ["x"]


def test_list_begins_again_where_it_says_so():
    start = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    parts = numbering(level(0, "decimal", "%1."), override=start)
    assert lines(docx_of(item("a") + item("b") + item("c", 0, 2) + item("d", 0, 2), parts)) == [
        "1. a", "2. b", "5. c", "6. d",
    ]  # fmt: skip


def test_list_that_looks_different_counts_with_the_others_of_its_kind():
    look = "".join(
        f'<w:lvlOverride w:ilvl="{depth}">{level(depth, form, shown)}</w:lvlOverride>'
        for depth, form, shown in ((0, "upperLetter", "%1)"), (1, "lowerRoman", "%1.%2"))
    )
    parts = numbering(level(0, "decimal", "%1."), level(1, "decimal", "%1.%2"), override=look)
    body = item("a") + item("b", 0, 2) + item("c", 1, 2) + item("d")
    assert lines(docx_of(body, parts)) == ["1. a", "B) b", "B.i c", "3. d"]


def note(kind: str, key: int, words: str) -> str:
    mark = f"<w:r><w:{kind}Ref/><w:t> </w:t></w:r>"
    return f'<w:{kind} w:id="{key}"><w:p>{mark}<w:r><w:t>{words}</w:t></w:r></w:p></w:{kind}>'


def test_notes_have_the_marks_by_which_the_text_refers_to_them():
    def reference(kind: str, key: int, more: str = "") -> str:
        return f'<w:p><w:r><w:t>Rent</w:t><w:{kind}Reference w:id="{key}" {more}/></w:r></w:p>'

    parts = {
        "footnotes.xml": ("footnotes", word_part("footnotes", note("footnote", 7, "Heated.")
            + note("footnote", 8, "* Old.") + note("footnote", 9, "Cold."))),
        "endnotes.xml": ("endnotes", word_part("endnotes", note("endnote", 7, "Law."))),
    }  # fmt: skip
    body = (
        reference("footnote", 7)
        + reference("footnote", 8, 'w:customMarkFollows="1"')
        + reference("endnote", 7)
        + reference("footnote", 9)
    )
    assert lines(docx_of(body, parts)) == [
        "Rent[1]", "Rent", "Rent[i]", "Rent[2]", "[1] Heated.", "* Old.", "[2] Cold.", "[i] Law.",
    ]  # fmt: skip


def test_style_gives_its_paragraphs_their_numbers():
    style = (
        '<w:style w:styleId="Art"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        "</w:pPr></w:style>"
    )
    parts = numbering(level(0, "decimal", "Article %1", '<w:pStyle w:val="Art"/>'))
    data = docx_of(
        paragraph("Scope", "Art") + paragraph("Duties", "Art"),
        {**parts, "styles.xml": ("styles", word_part("styles", style))},
    )
    assert texts("a.docx", data) == ["Article 1 Scope", "Article 2 Duties"]
    assert contexts("a.docx", data) == [("Article 1 Scope",), ("Article 2 Duties",)]


def field(content: str) -> str:
    answer = f"<w:r><w:fldChar><w:ffData>{content}</w:ffData></w:fldChar></w:r>"
    return f"<w:p><w:r><w:t>Answer: </w:t></w:r>{answer}</w:p>"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>', "☒"),
        ('<w:checkBox><w:default w:val="0"/><w:checked w:val="0"/></w:checkBox>', "☐"),
        ('<w:checkBox><w:default w:val="1"/></w:checkBox>', "☒"),
        (
            '<w:ddList><w:result w:val="1"/><w:listEntry w:val="no"/><w:listEntry w:val="yes"/></w:ddList>',
            "yes",
        ),
        ('<w:ddList><w:listEntry w:val="no"/><w:listEntry w:val="yes"/></w:ddList>', "no"),
        ('<w:ddList><w:result w:val="9"/><w:listEntry w:val="no"/></w:ddList>', ""),
    ],
)
def test_answers_of_old_forms_are_read(content, shown):
    assert text("a.docx", docx_of(field(content), {})) == f"Answer: {shown}".strip()


@pytest.mark.parametrize(
    ("font", "char", "shown"),
    [
        ("Wingdings", "F0FE", "☑"), ("Wingdings", "F0A8", "☐"), ("Wingdings", "FC", "✓"),
        ("Symbol", "F062", "β"), ("Symbol", "F0B3", "≥"), ("Wingdings 2", "F052", "☑"),
        ("Segoe UI Symbol", "2612", "☒"), ("Arial", "F041", "A"), ("X", "nonsense", ""),
    ],
)  # fmt: skip
def test_symbols_are_those_that_are_seen(font, char, shown):
    body = f'<w:p><w:r><w:t>x</w:t><w:sym w:font="{font}" w:char="{char}"/></w:r></w:p>'
    assert text("a.docx", docx_of(body, {})) == f"x{shown}"


def run(words: str, look: str) -> str:
    return f"<w:r><w:rPr>{look}</w:rPr><w:t>{words}</w:t></w:r>"


def test_characters_typed_in_a_font_of_symbols_are_those_that_are_seen():
    look = '<w:rFonts w:ascii="Wingdings"/>'
    body = f"<w:p>{run(chr(0xF0FE), look)}{run(' paid ', '')}{run(chr(0xA8), look)}{run(' due', '')}</w:p>"
    assert text("a.docx", docx_of(body, {})) == "☑ paid ☐ due"


def test_hidden_text_is_not_read():
    body = f"<w:p><w:r><w:t>Shown.</w:t></w:r>{run('Hidden.', '<w:vanish/>')}</w:p>"
    assert text("a.docx", docx_of(body, {})) == "Shown."


def test_exponent_is_no_part_of_its_number():
    higher = '<w:vertAlign w:val="superscript"/>'
    body = f"<w:p><w:r><w:t>10</w:t></w:r>{run('-6', higher)}<w:r><w:t> m</w:t></w:r>{run('2', higher)}</w:p>"
    assert text("a.docx", docx_of(body, {})) == "10⁻⁶ m2"


SUM = '<m:naryPr><m:chr m:val="∑"/></m:naryPr>'


def math(content: str) -> str:
    return f'<w:p><m:oMath xmlns:m="urn:m">{content}</m:oMath></w:p>'


def part(name: str, words: str) -> str:
    return f"<m:{name}><m:r><m:t>{words}</m:t></m:r></m:{name}>"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (f"<m:f>{part('num', '1')}{part('den', 'n+1')}</m:f>", "1/(n+1)"),
        (f"<m:sSup>{part('e', 'x')}{part('sup', '2')}</m:sSup>", "x^2"),
        (f"<m:sSubSup>{part('e', 'x')}{part('sub', 'i')}{part('sup', 'n-1')}</m:sSubSup>", "x_i^(n-1)"),
        (f"<m:rad><m:deg/>{part('e', '3')}</m:rad>", "√3"),
        (f"<m:d>{part('e', 'a+b')}</m:d>", "(a+b)"),
        (f'<m:d><m:dPr><m:begChr m:val="["/></m:dPr>{part("e", "a")}{part("e", "b")}</m:d>', "[a|b)"),
        (f"<m:nary>{SUM}{part('sub', 'i')}{part('sup', 'n')}{part('e', 'x')}</m:nary>", "∑_i^n x"),
        (
            f"<m:m><m:mr>{part('e', '1')}{part('e', '0')}</m:mr><m:mr>{part('e', '2')}</m:mr></m:m>",
            "[1, 0; 2]",
        ),
        (f"<m:func>{part('fName', 'sin')}{part('e', 'x')}</m:func>", "sin x"),
        (f"<m:limLow>{part('e', 'lim')}{part('lim', 'n')}</m:limLow>{part('r', 'x')}", "lim_n x"),
    ],
)
def test_formula_is_read_as_people_type_it(content, shown):
    assert text("a.docx", docx_of(math(content), {})) == shown


def test_large_initial_belongs_to_its_word():
    initial = paragraph("D").replace("<w:p>", '<w:p><w:pPr><w:framePr w:dropCap="drop"/></w:pPr>')
    assert (
        text("a.docx", docx_of(initial + paragraph("rop caps begin chapters."), {}))
        == "Drop caps begin chapters."
    )


def test_paragraphs_whose_break_was_deleted_are_one():
    first = paragraph("First half").replace("<w:p>", "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>")
    assert text("a.docx", docx_of(first + paragraph("second half."), {})) == "First half second half."


def test_paragraphs_for_old_programs_are_not_read():
    both = f"<mc:Choice>{paragraph('New.')}</mc:Choice><mc:Fallback>{paragraph('Old.')}</mc:Fallback>"
    body = f"<mc:AlternateContent>{both}</mc:AlternateContent>{paragraph('End.')}"
    assert text("a.docx", docx_of(body, {})) == "New.\n\nEnd."


def test_aids_to_read_signs_do_not_tear_words():
    ruby = f"<w:ruby><w:rt>{run('とう', '')}</w:rt><w:rubyBase>{run('東', '')}</w:rubyBase></w:ruby>"
    assert text("a.docx", docx_of(f"<w:p><w:r>{ruby}<w:t>京</w:t></w:r></w:p>", {})) == "東京"


def test_alternative_texts_are_read_as_the_author_wrote_them():
    picture = (
        '<w:p><w:r><w:t>See</w:t><w:drawing><wp:docPr descr="Plan of room 4{}"/></w:drawing></w:r></w:p>'
    )
    assert text("a.docx", docx_of(picture.format(""), {})) == "See Plan of room 4"
    made_up = picture.format(" Description automatically generated")
    assert text("a.docx", docx_of(made_up, {})) == "See Plan of room 4"
    shape = '<w:p><w:r><w:pict><v:shape alt="A bridge"/></w:pict></w:r></w:p>'
    assert text("a.docx", docx_of(shape, {})) == "A bridge"


def series(name: str, *values: int) -> str:
    points = "".join(f"<c:pt><c:v>{value}</c:v></c:pt>" for value in values)
    categories = "<c:cat><c:pt><c:v>North</c:v></c:pt><c:pt><c:v>South</c:v></c:pt></c:cat>"
    return f"<c:ser><c:tx><c:v>{name}</c:v></c:tx>{categories}<c:val>{points}</c:val></c:ser>"


def test_text_and_values_of_charts_are_read():
    title = "<c:title><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:title>"
    content = title + series("2024", 4, 5) + series("2025", 6, 7)
    chart = f'<c:chartSpace xmlns:c="urn:c" xmlns:a="urn:a">{content}</c:chartSpace>'
    body = '<w:p><w:r><w:drawing><c:chart r:id="chart1.xml"/></w:drawing></w:r></w:p>'
    assert text("a.docx", docx_of(body, {"chart1.xml": ("chart", chart)})) == (
        "Sales\n | 2024 | 2025\nNorth | 4 | 6\nSouth | 5 | 7"
    )


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("General", "2.4000000000000004", "2.4"), ("0%", "0.07", "7%"), ("mmm yyyy", "45444", "Jun 2024"),
        ("yyyy-mm-dd", "45444", "2024-06-01"), ("h:mm", "0.5", "12:00"), ("General", "#N/A", "#N/A"),
    ],
)  # fmt: skip
def test_values_of_charts_are_read_as_they_are_shown(code, value, shown):
    cache = f"<c:numCache><c:formatCode>{code}</c:formatCode><c:pt><c:v>{value}</c:v></c:pt></c:numCache>"
    content = f"<c:ser><c:tx><c:v>Share</c:v></c:tx><c:val><c:numRef>{cache}</c:numRef></c:val></c:ser>"
    chart = f'<c:chartSpace xmlns:c="urn:c" xmlns:a="urn:a">{content}</c:chartSpace>'
    body = '<w:p><w:r><w:drawing><c:chart r:id="chart1.xml"/></w:drawing></w:r></w:p>'
    assert text("a.docx", docx_of(body, {"chart1.xml": ("chart", chart)})) == f"| Share\n | {shown}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", "<h1>Board</h1><p>Minutes of March</p>"),
        ("a.docx", docx(paragraph("Minutes of March"))),
        ("a.txt", "Minutes of March"),
        ("a.mht", "MIME-Version: 1.0\nContent-Type: text/html\n\n<p>Minutes of March</p>"),
    ],
)
def test_embedded_files_are_read_where_they_stand(name, content):
    body = paragraph("Before.") + f'<w:altChunk r:id="{name}"/>' + paragraph("After.")
    found = text("a.docx", docx_of(body, {name: ("aFChunk", content)}))
    assert found.index("Before.") < found.index("Minutes of March") < found.index("After.")


def test_embedded_file_that_is_not_read_is_named():
    body = paragraph("Before.") + '<w:altChunk r:id="a.png"/>'
    assert codes("a.docx", docx_of(body, {"a.png": ("aFChunk", b"\x89PNG")})) == ["PartNotRead"]


def test_documents_within_documents_end():
    data = docx(paragraph("Innermost"))
    for _ in range(20):
        data = docx_of('<w:altChunk r:id="a.docx"/>', {"a.docx": ("aFChunk", data)})
    with pytest.raises(DocumentTooLarge):
        text("a.docx", data)


def test_table_that_only_lays_out_a_page_is_read_as_a_page():
    cell = (
        paragraph("Rules", "H1")
        + paragraph("Trains first.")
        + paragraph("Flights", "H1")
        + paragraph("Far only.")
    )
    data = docx_of(f"<w:tbl><w:tr><w:tc>{cell}</w:tc></w:tr></w:tbl>", WITH_STYLES)
    assert texts("a.docx", data) == ["Rules\n\nTrains first.", "Flights\n\nFar only."]


def test_lines_within_a_cell_stay_lines():
    cell = "<w:tc>" + paragraph("one") + paragraph("two") + "</w:tc>"
    data = docx_of(f"<w:tbl><w:tr>{cell}<w:tc>{paragraph('three')}</w:tc></w:tr></w:tbl>", {})
    assert text("a.docx", data) == "one\ntwo | three"


def test_table_of_values_is_read_row_by_row():
    assert text("a.docx", docx(table([["a", "b"], ["1", "2"]]))) == "a | b\n1 | 2"


def test_context_is_the_title_and_the_path_of_headings():
    body = (
        paragraph("Leave", "Own") + paragraph("Norway", "H2") + paragraph("x") + paragraph("Trips", "H1")
        + paragraph("Trains", "Deep") + paragraph("y")
    )  # fmt: skip
    assert contexts("a.docx", docx_of(body, WITH_STYLES, title="Staff handbook")) == [
        ("Staff handbook", "Leave"),
        ("Staff handbook", "Leave", "Norway"),
        ("Staff handbook", "Trips"),
        ("Staff handbook", "Trips", "Trains"),
    ]


def test_title_that_a_program_made_up_is_none():
    assert contexts("a.docx", docx_of(paragraph("x"), {}, title="Microsoft Word - final2.doc")) == [()]
    assert contexts("a.docx", docx_of(paragraph("x"), {}, title="report.docx")) == [()]


def test_each_chunk_of_a_section_knows_its_heading():
    rules = "".join(
        paragraph(f"Rule {number} is that somebody asks somebody else first.") for number in range(40)
    )
    pieces = chunks("a.docx", docx_of(paragraph("Leave in Norway", "H1") + rules, WITH_STYLES))
    assert len(pieces) > 5
    assert {piece.context for piece in pieces} == {("Leave in Norway",)}


def test_workbook_is_no_docx():
    with pytest.raises(Exception, match="not a docx"):
        text("a.docx", xlsx({"S": ""}))


def row_of(cells: list[str], properties: str = "") -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def cell_of(words: str, columns: int = 1) -> str:
    return f'<w:tc><w:tcPr><w:gridSpan w:val="{columns}"/></w:tcPr>{paragraph(words)}</w:tc>'


def test_rows_of_a_table_know_the_names_that_are_marked():
    head = [
        row_of([cell_of("Port"), cell_of("Ships", 2)], "<w:tblHeader/>"),
        row_of([cell_of(""), cell_of("in"), cell_of("out")], "<w:tblHeader/>"),
    ]
    body = [
        row_of([cell_of(name) for name in ("Ulm", "four", "five")]),
        row_of([cell_of("four"), cell_of("x")], '<w:gridBefore w:val="1"/>'),
    ]
    data = docx_of(
        paragraph("Fleet", "H1") + f"<w:tbl>{''.join([*head, *body])}</w:tbl>" + paragraph("After."),
        WITH_STYLES,
    )
    title, names, *rows, after = read("a.docx", data).segments
    assert (title.text, names.text, after.text) == ("Fleet", "Port | Ships / in | Ships / out", "After.")
    assert [row.text for row in rows] == ["Ulm | four | five", " | four | x"]
    assert {(row.header, row.context) for row in rows} == {(names.text, ("Fleet",))}


def test_names_of_columns_are_said_once_where_the_first_has_none():
    rows = [["", "Ulm", "Linz"], ["Berths", "4", "6"], ["Dues", "40", "60"]]
    (piece,) = chunks("a.docx", docx(table(rows)))
    assert piece.text == "| Ulm | Linz\nBerths | 4 | 6\nDues | 40 | 60"


def test_row_that_is_not_marked_as_names_is_looked_at_as_in_any_table():
    rows = [["Port", "Berths", "Dues"], ["Ulm", "4", "40"], ["Linz", "6", "60"]]
    unmarked = table(rows).replace("<w:tr>", '<w:tr><w:trPr><w:tblHeader w:val="0"/></w:trPr>')
    segments = read("a.docx", docx(unmarked)).segments
    assert [segment.header for segment in segments] == ["", *["Port | Berths | Dues"] * 2]


def merged(words: str, value: str = "") -> str:
    return f"<w:tc><w:tcPr><w:vMerge{value}/></w:tcPr>{paragraph(words) if words else '<w:p/>'}</w:tc>"


def test_what_merged_cells_hold_belongs_to_each_of_their_rows():
    begins = ' w:val="restart"'
    rows = [
        row_of([cell_of("Port"), cell_of("Berth"), cell_of("Dues")]),
        row_of([merged("Ulm", begins), cell_of("A"), cell_of("40")]),
        row_of([merged("", ' w:val="continue"'), cell_of("B"), cell_of("60")]),
        row_of([merged(""), cell_of(""), cell_of("")]),
        row_of([merged("Linz", begins), cell_of("A"), cell_of("50")]),
        row_of([cell_of(""), cell_of("B"), cell_of("55")]),
    ]
    _, *body = read("a.docx", docx_of(f"<w:tbl>{''.join(rows)}</w:tbl>", {})).segments
    assert [row.text for row in body] == ["Ulm | A | 40", "Ulm | B | 60", "Linz | A | 50", " | B | 55"]
    assert {row.header for row in body} == {"Port | Berth | Dues"}


def test_merged_paragraph_is_not_repeated():
    rows = [
        row_of([merged("Words " * 40, ' w:val="restart"'), cell_of("A")]),
        row_of([merged(""), cell_of("B")]),
    ]
    assert text("a.docx", docx_of(f"<w:tbl>{''.join(rows)}</w:tbl>", {})).count("Words") == 40


def test_row_that_is_merged_with_what_stands_below_is_no_row_of_names():
    rows = [
        row_of([cell_of("Name"), cell_of("Anna Example")]),
        row_of([merged("Address", ' w:val="restart"'), cell_of("Street 1")]),
        row_of([merged(""), cell_of("12345 Ulm")]),
        row_of([cell_of("Phone"), cell_of("123")]),
    ]
    segments = read("a.docx", docx_of(f"<w:tbl>{''.join(rows)}</w:tbl>", {})).segments
    assert [segment.header for segment in segments] == [""] * 4
    assert segments[2].text == "Address | 12345 Ulm"
