"""Lightweight markup, subtitles and XML: cut at headings, rows kept whole."""

import pytest

from shared_code.documents.chunking import count_tokens
from tests.unit.documents.reading import chunks, contexts, read, text, texts

MARKDOWN = "# Leave\n\nAsk.\n\n## Norway\n\nWait.\n\n# Trips\n\nGo."
PATHS = [("Leave",), ("Leave", "Norway"), ("Trips",)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", MARKDOWN),
        ("a.markdown", MARKDOWN),
        ("a.mdx", MARKDOWN),
        ("a.md", "Leave\n=====\n\nAsk.\n\nNorway\n------\n\nWait.\n\nTrips\n=====\n\nGo."),
        ("a.rst", "Leave\n=====\n\nAsk.\n\nNorway\n------\n\nWait.\n\nTrips\n=====\n\nGo."),
        ("a.rst", "=====\nLeave\n=====\n\nAsk.\n\nNorway\n======\n\nWait.\n\n=====\nTrips\n=====\n\nGo."),
        ("a.adoc", "= Leave\n\nAsk.\n\n== Norway\n\nWait.\n\n= Trips\n\nGo."),
        ("a.org", "* Leave\nAsk.\n** Norway\nWait.\n* Trips\nGo."),
    ],
)
def test_headings_make_sections_and_paths_and_the_text_stays(name, data):
    assert contexts(name, data) == PATHS
    assert text(name, data) == data
    assert [segment.position.section for segment in read(name, data).segments] == ["Leave", "Norway", "Trips"]


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_number_signs_in_code_are_no_headings(fence):
    data = f"# One\n\n{fence}sh\n# a comment\n{fence}\n\nText"
    assert contexts("a.md", data) == [("One",)]


def test_title_of_front_matter_is_the_widest_context():
    data = "---\ntitle: Handbook\ntags: [a]\n---\n# Leave\n\nAsk."
    assert contexts("a.md", data)[-1] == ("Handbook", "Leave")
    assert text("a.md", data) == data


def test_lines_are_counted_through_all_sections():
    assert [segment.position.line for segment in read("a.md", MARKDOWN).segments] == [1, 5, 9]


@pytest.mark.parametrize(
    ("name", "rule"), [("a.md", "| --- | :-: |"), ("a.org", "|-----+-----|"), ("a.md", "--- | ---")]
)
def test_rows_of_a_table_stay_whole_below_their_names(name, rule):
    rows = [f"| Role {n} | {'It is checked by the person on duty. ' * 3}|" for n in range(30)]
    data = "\n".join(["Before.", "", "| Role | Duties |", rule, *rows, "", "After."])
    assert text(name, data) == data
    pieces = chunks(name, data)
    assert len(pieces) > 10
    for piece in pieces:
        assert "| Role | Duties |" in piece.text
        assert set(piece.text.split("\n")) <= {"Before.", "", "| Role | Duties |", rule, *rows, "After."}
        assert count_tokens(piece.text) == piece.tokens <= 64


VTT = """WEBVTT

NOTE made by hand

1
00:00:01.000 --> 00:00:02.000 align:start
<v Anna>The boat is
<i>late</i>

00:00:02.000 --> 00:00:03.000
today.

00:00:03.000 --> 00:00:04.000
Wait here."""
SRT = "1\n00:00:01,000 --> 00:00:02,000\nThe boat is\nlate\n\n2\n00:00:02,000 --> 00:00:03,000\ntoday.\n"


def test_subtitles_are_sentences_without_times():
    assert texts("a.vtt", VTT) == ["Anna: The boat is late today.", "Wait here."]
    assert texts("a.srt", SRT) == ["The boat is late today."]


def test_children_of_xml_are_records_with_names_and_values():
    data = '<?xml version="1.0"?><orders><order id="7"><city>Bern</city></order><order id="8"/></orders>'
    assert texts("a.xml", data) == ["order\n  id: 7\n  city: Bern", "order: id: 8"]
    assert contexts("a.xml", data) == [("orders",), ("orders",)]


def test_mixed_text_of_xml_is_read_as_a_paragraph():
    assert text("a.xml", "<d><p>It is <b>very</b> late.</p></d>") == "p: It is very late."


@pytest.mark.parametrize("data", ["<d><p>a &nbsp; b</p></d>", "<d><p>a b</d>"])
def test_xml_that_is_not_well_formed_gives_its_text(data):
    assert " ".join(text("a.xml", data).split()) == "a b"


def test_entities_of_subtitles_are_what_is_said():
    assert text("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello &amp; bye.") == "Hello & bye."
