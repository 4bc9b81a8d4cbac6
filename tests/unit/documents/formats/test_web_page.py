"""What of a web page is content, and how its words are kept apart and together."""

import pytest

from tests.unit.documents.reading import chunks, contexts, read, text

MAIN = "<main><p>The warranty lasts three years.</p></main>"
LONG = "<p>" + "The warranty lasts three years, and nobody has to ask for it in writing. " * 12 + "</p>"


@pytest.mark.parametrize(
    "around",
    [
        "<nav><ul><li>Home<li>Products</ul></nav>",
        "<footer>Imprint Privacy</footer>",
        "<aside>Follow us</aside>",
        "<header><a href=/>Home</a></header>",
        "<div role=navigation>Home</div>",
        "<div role=contentinfo>Imprint</div>",
        "<dialog>Subscribe now!</dialog>",
        "<div hidden>Your session has ended.</div>",
        "<div style='color:red; DISPLAY: none'>Your session has ended.</div>",
        "<div aria-hidden=true>menu close</div>",
        "<div class='cookie-banner'>We use cookies.</div>",
        "<div id='siteFooter'>Imprint Privacy</div>",
        "<ul class='breadcrumb'><li>Home<li>Shop</ul>",
        "<div class=teasers><a>Ten new phones</a> <a>Who won on Sunday</a> <a>More</a></div>",
        "<button>Send</button><select><option>Anna<option>Bo</select>",
    ],
)
@pytest.mark.parametrize("order", ["{0}{1}", "{1}{0}"])
def test_what_surrounds_the_content_is_left_out(around, order):
    assert text("a.html", order.format(around, MAIN)) == "The warranty lasts three years."


@pytest.mark.parametrize(("href", "is_left_out"), [("/other", True), ("#part", False)])
def test_teasers_below_an_article_are_left_out(href, is_left_out):
    article = f"<article><h1>Locks</h1><p>{'The lock of Ulm is closed in winter. ' * 20}</article>"
    teaser = f"<div><h3><a href={href}>Boats</a></h3><p>{'All that boats need. ' * 10}</div>"
    assert ("boats need" not in text("a.html", f"{article}<div>{teaser * 2}</div>")) == is_left_out


def test_teasers_are_the_content_of_a_page_without_an_article():
    teaser = f"<div><h3><a href=/other>Boats</a></h3><p>{'All that boats need. ' * 10}</div>"
    assert "boats need" in text("a.html", f"<h1>Magazine</h1><div>{teaser * 2}</div>")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"<div class=sidebar-layout>{LONG}</div>", "in writing."),
        (f"<div hidden class=tab>{LONG}</div>", "in writing."),
        (
            "<main>A short notice.</main><div class=teasers><a>Ten phones</a> <a>More</a></div>",
            "short notice",
        ),
        (f"<aside>{LONG}</aside>", "in writing."),
        (f"<footer><main>{LONG}</main></footer>", "in writing."),
        (f"<div class='menu'><h1>Menu of the day</h1>{LONG}</div>", "Menu of the day"),
        (f"<article><header><h1>Title</h1><p>By R. Example</p></header>{LONG}</article>", "By R. Example"),
        ("<article><p>Text.</p><aside>A note beside the text.</aside></article>", "A note beside"),
        ("<main><ul><li><a>Chapter one</a><li><a>Chapter two</a></ul></main>", "Chapter two"),
        ("<details><summary>More</summary><p>Hidden until one asks.</p></details>", "until one asks"),
        ("<table><tr><td>Berth<td>Dues</table>", "Berth | Dues"),
    ],
)
def test_content_is_kept_whatever_it_lies_in(content, words):
    assert words in text("a.html", f"<body>{content}</body>")


def test_page_of_nothing_but_links_is_read_as_it_is():
    page = "<nav><ul><li><a>Home</a><li><a>Products</a></ul></nav>"
    assert text("a.html", page) == "Home\nProducts"


def test_noscript_is_read_unless_it_asks_for_scripts():
    assert (
        text("a.html", "<h1>Notice</h1><noscript><p>Closed on Mondays.</p></noscript>")
        == "Notice\n\nClosed on Mondays."
    )
    assert text("a.html", "<p>Text</p><noscript>Please enable JavaScript.</noscript>") == "Text"


@pytest.mark.parametrize(
    "inside", ["<p>Closed on <b>Mondays</b>.</p>", "&lt;p&gt;Closed on &lt;b&gt;Mondays.&lt;/b&gt;"]
)
def test_noscript_is_read_as_html_even_where_a_browser_saved_it_as_text(inside):
    assert text("a.html", f"<h1>Notice</h1><noscript>{inside}</noscript>") == "Notice\n\nClosed on Mondays."


def test_picture_that_counts_readers_is_no_text_of_a_saved_page():
    page = "<p>Text</p><noscript>&lt;img src='//count.example/pixel.gif'&gt;</noscript>"
    assert text("a.html", page) == "Text"


COMMENTS = f"<div id=comments><h2>2 comments</h2>{LONG}</div>"


def test_comments_of_readers_are_no_part_of_an_article():
    assert "2 comments" not in text("a.html", f"<article><h1>Title</h1>{LONG}</article>{COMMENTS}")
    assert "2 comments" not in text(
        "a.html", f"<meta property=og:type content=article><div>{LONG}</div>{COMMENTS}"
    )
    assert "2 comments" in text("a.html", f"<h1>Forum</h1>{LONG}{COMMENTS}")


def test_part_beside_the_content_goes_however_long_it_is_where_the_content_is_much_longer():
    article, beside = f"<article>{LONG * 4}</article>", "<div class=related>{}</div>"
    teasers = f"<h2>More to read</h2>{LONG}"
    assert "More to read" not in text("a.html", article + beside.format(teasers))
    assert "More to read" in text("a.html", f"<article>{LONG * 4}{beside.format(teasers)}</article>")
    assert "More to read" in text("a.html", LONG * 4 + beside.format(teasers))


def test_builders_of_pages_call_their_parts_widgets():
    page = f"<div class=elementor-widget-container><p>Closed on Mondays.</p></div>{LONG}"
    assert "Closed on Mondays." in text("a.html", page)
    assert "Closed" not in text("a.html", page.replace("elementor-widget-container", "widget_text"))


def test_paragraph_within_the_main_part_is_content_whatever_links_stand_beside_it():
    share = "<a>Facebook</a> <a>Twitter</a> <a>Print</a> " * 10
    content = f"<p>A senior official has said in a sworn paper that the keys were lost.</p>{share}"
    page = f"<h1>Title</h1><div role=main><div>{content}</div></div>"
    assert "keys were lost" in text("a.html", page)


@pytest.mark.parametrize("hyphen", ["&shy;", "&#173;", "\u00ad"])
@pytest.mark.parametrize("name", ["a.html", "a.txt", "a.md"])
def test_soft_hyphens_are_no_part_of_words(name, hyphen):
    word = f"Ver{hyphen}sicherungs{hyphen}nummer"
    if name == "a.html" or hyphen == "\u00ad":
        assert "Versicherungsnummer" in text(name, f"Die {word} steht da.")


@pytest.mark.parametrize(
    ("links", "shown"),
    [
        ("<a>One</a><a>Two</a>", "One Two"),
        ("<span><a>One</a></span><span><a>Two</a></span>", "One Two"),
        ("<a>One</a>, <a>Two</a>", "One, Two"),
        ("<b>bo</b><a>ld</a>", "bold"),
        ("(<a>1</a>)", "(1)"),
    ],
)
def test_links_beside_each_other_are_words_of_their_own(links, shown):
    assert text("a.html", f"<p>Text that stands before them: {links}</p>").endswith(shown)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("10<sup>6</sup> parts", "10⁶ parts"),
        ("10<sup>-3</sup> m<sup>2</sup>", "10⁻³ m2"),
        ("in 2010<sup><a href=#n3>3</a></sup>", "in 2010[3]"),
        ("the rent<a href=#n3><sup>3</sup></a>.", "the rent[3]."),
        ("the rent<sup><a href=#n3>[3]</a></sup>.", "the rent[3]."),
        ("in 2010<sup>[3]</sup>", "in 2010[3]"),
        ("the 21<sup>st</sup>", "the 21st"),
        ("<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>京", "東京"),
    ],
)
def test_small_signs_change_no_number_and_tear_no_word(html, shown):
    assert text("a.html", f"<p>{html}</p>") == shown


def test_alternative_texts_are_read_once():
    page = "<p>See <img alt='Plan of room 4' src=x><img alt='' src=y>.</p>"
    assert text("a.html", page) == "See Plan of room 4 ."
    figure = "<figure><img alt='Plan of room 4'><figcaption>Plan of room 4</figcaption></figure>"
    assert text("a.html", figure) == "Plan of room 4"


@pytest.mark.parametrize("name", ["a.html", "a.xhtml", "a.xml"])
def test_encoding_of_an_xml_declaration_is_obeyed(name):
    page = '<?xml version="1.0" encoding="iso-8859-2"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>{}</p></body></html>'
    assert text(name, page.format("Žižkov, šťáva").encode("iso-8859-2")) == "Žižkov, šťáva"


def test_elements_that_xhtml_closes_at_once_hide_nothing():
    head = "<head><title/><script src='x'/></head>"
    page = f"<html xmlns='http://www.w3.org/1999/xhtml'>{head}<body><a id='top'/><p>Text</p></body></html>"
    assert text("a.xhtml", page) == "Text"


def test_context_is_the_title_and_the_path_of_headings():
    page = "<title>Handbook</title><h1>Leave</h1><p>a</p><h2>Norway</h2><p>b</p><h1>Trips</h1><p>c</p>"
    assert contexts("a.html", page)[1:] == [
        ("Handbook",), ("Handbook", "Leave"), ("Handbook", "Leave", "Norway"), ("Handbook", "Trips"),
    ][1:]  # fmt: skip


def test_no_chunk_of_a_page_ends_with_a_heading():
    page = "".join(f"<h2>Part {n}</h2><p>{'Words stand here. ' * 9}</p>" for n in range(30))
    pieces = chunks("a.html", page)
    assert len(pieces) > 20
    assert all(piece.text.endswith("here.") for piece in pieces)


@pytest.mark.parametrize(
    ("table", "header", "rows"),
    [
        ("<tr><th>Berth<th>Dues<tr><td>A<td>40<tr><td>B<td>60", "Berth | Dues", ["A | 40", "B | 60"]),
        ("<thead><tr><td>Port<td>Flag<tbody><tr><td>Ulm<td>red", "Port | Flag", ["Ulm | red"]),
        ("<tr><td><th>2024<th>2025<tr><th>Ulm<td>4<td>5", " | 2024 | 2025", ["Ulm | 4 | 5"]),
        ("<tr><th colspan=2>Fleet<tr><th>Ship<th>Crew<tr><td>Ada<td>9", "Ship | Crew", ["Ada | 9"]),
        (
            "<tr><th rowspan=2>Port<th colspan=2>Ships<tr><th>in<th>out<tr><td>Ulm<td>4<td>5",
            "Port | Ships / in | Ships / out",
            ["Ulm | 4 | 5"],
        ),
        (
            "<tr><th>Port<th>Berth<th>Dues<tr><td rowspan=2>Ulm<td>A<td>4<tr><td>B<td>6",
            "Port | Berth | Dues",
            ["Ulm | A | 4", "Ulm | B | 6"],
        ),
        (
            "<tr><th>Port<th>Dues<tr><td>Ulm<td rowspan=2>4<tr><td>Linz<tr><td>Wels<td>5",
            "Port | Dues",
            ["Ulm | 4", "Linz", "Wels | 5"],
        ),
        (
            "<thead><tr><th rowspan=2>Port<th>Dues<tbody><tr><td>Ulm<td>4<tr><td>Linz<td>6",
            "Port | Dues",
            ["Ulm | 4", "Linz | 6"],
        ),
    ],
)
def test_rows_of_a_table_know_the_names_that_are_marked(table, header, rows):
    segments = read("a.html", f"<h1>Dues</h1><table>{table}</table><p>After.").segments
    below = [segment for segment in segments if segment.header]
    assert {segment.header for segment in below} == {header}
    assert [segment.text.strip() for segment in below] == [row.strip() for row in rows]
    assert {segment.context for segment in below} == {("Dues",)}
    assert segments[-1].text == "After."


@pytest.mark.parametrize(
    "table",
    [
        "<tr><td>One column</td></tr><tr><td>1</td></tr>",
        "<tr><td><h2>Part</h2>Text<td>Side</tr><tr><td>1<td>2",
        "<tr><td>Outer<td><table><tr><td>x</table></tr><tr><td>1<td>2",
        "<tr><td><p>a<p>b<p>c<p>d<p>e<td>Side<tr><td>1<td>2",
    ],
)
def test_table_that_only_lays_out_a_page_names_nothing(table):
    segments = read("a.html", f"<table>{table}</table>").segments
    assert not any(segment.header for segment in segments)


def test_caption_of_a_table_stands_before_it():
    data = "<p>Text.<table><caption>Dues of 2024</caption><tr><th>Berth<th>Dues<tr><td>A<td>40</table>"
    assert text("a.html", data) == "Text.\n\nDues of 2024\nBerth | Dues\nA | 40"


def test_cells_that_span_without_end_are_read():
    data = "<table><tr><th colspan=99999999>Name<th>x<tr><td rowspan=-1 colspan=x>A<td>1</table>"
    assert "A" in text("a.html", data)


@pytest.mark.parametrize("spans", [False, True])
def test_rows_of_a_long_table_are_those_of_a_short_one(spans):
    port = "<td rowspan=20000>Ulm" if spans else "<td>Ulm"
    rows = "".join(
        f"<tr><td>{number}{'' if spans and number else port}<td>Berth {'x' * 50}</tr>"
        for number in range(20_000)
    )
    page = f"<p>Before.<table><tr><th>No<th>Port<th>Berth</tr>{rows}</table><p>After."
    segments = read("a.html", page).segments
    assert len(segments) == 20_003
    assert (segments[0].text, segments[-1].text) == ("Before.", "After.")
    assert segments[-2].text.startswith("19999 | Ulm | Berth")
    assert segments[-2].header == "No | Port | Berth"


def test_long_table_that_only_lays_out_a_page_keeps_its_text():
    rows = "".join(f"<tr><td>Line {number} of a very long page.</tr>" for number in range(40_000))
    (segment,) = read("a.html", f"<table>{rows}</table>").segments
    assert [line for line in segment.text.splitlines() if line] == [
        f"Line {number} of a very long page." for number in range(40_000)
    ]
