"""What chunks are: bounded, exact, in order, and the same again around an edit."""

import random
import time
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared_code.documents import Document, Position, Segment
from shared_code.documents.chunking import Chunk, chunk, chunks, count_tokens
from tests.unit.documents_corpus import ARABIC, CHINESE, HEBREW

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
SIZES = {"max_tokens": 64, "overlap_tokens": 12}
WORDS = [
    "the",
    "of",
    "energy",
    "water",
    "report",
    "people",
    "system",
    "year",
    "because",
    "Zürich",
    "naïve",
    "漢字",
]
letters = st.characters(codec="utf-8", exclude_characters="\r")
texts = st.one_of(
    st.text(letters, max_size=400),
    st.lists(
        st.sampled_from([*WORDS, ". ", "\n", "\n\n", "\n# ", CHINESE, HEBREW, ARABIC, FAMILY, "  "])
    ).map(" ".join),
    st.integers(1, 3000).map(lambda length: "unbroken" * length),
)


def dice(seed) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same texts in every run


def whole(text) -> Document:
    return Document((Segment(text, Position(line=1)),))


def sentences(seed, count) -> Any:
    source = dice(seed)
    for _ in range(count):
        words = (source.choice(WORDS) + str(source.randrange(100)) for _ in range(source.randrange(4, 20)))
        yield " ".join(words).capitalize() + source.choice([". ", "? ", ".\n", ".\n\n"])


def long_text(seed) -> str:
    return "".join(sentences(seed, 320))


def cut(text, **sizes) -> list[Chunk]:
    return chunk(whole(text), **(SIZES | sizes))


def without_space(text) -> str:
    return "".join(text.split())


@given(text=texts, max_tokens=st.integers(32, 200), share=st.floats(0, 0.5))
@example(text=long_text(252), max_tokens=64, share=0.19)
def test_no_chunk_is_over_the_limit_and_each_counts_its_tokens(text, max_tokens, share):
    for piece in cut(text, max_tokens=max_tokens, overlap_tokens=int(max_tokens * share)):
        assert piece.tokens == count_tokens(piece.text) <= max_tokens


@given(text=texts)
def test_each_chunk_is_a_stretch_of_the_text_without_space_around_it(text):
    place = 0
    for piece in cut(text):
        place = text.index(piece.text, place)
        assert piece.text == piece.text.strip() != ""


@given(text=texts)
def test_chunks_without_overlap_lose_nothing_but_white_space(text):
    pieces = cut(text, overlap_tokens=0)
    assert without_space("".join(piece.text for piece in pieces)) == without_space(text)


@given(seed=st.integers(0, 1000))
@hypothesis_settings(max_examples=15)
def test_each_chunk_begins_with_the_end_of_the_one_before(seed):
    bare, overlapping = cut(long_text(seed), overlap_tokens=0), cut(long_text(seed))
    assert len(overlapping) >= len(bare) > 50
    for before, after in pairwise(overlapping):
        shared = max(size for size in range(200) if before.text.endswith(after.text[:size]))
        assert 0 < count_tokens(after.text[:shared]) <= SIZES["overlap_tokens"] + 1


@given(data=st.data(), seed=st.integers(0, 10_000))
@hypothesis_settings(max_examples=60)
def test_edit_changes_the_chunks_around_it_and_no_others(data, seed):
    text = long_text(seed)
    start = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.sampled_from([0, 1, 10, 200]))
    inserted = data.draw(st.one_of(st.text(letters, max_size=30), st.just("".join(sentences(seed + 1, 3)))))
    before, after = cut(text), cut(text[:start] + inserted + text[start + removed :])
    assert len(before) > 80
    known = {piece.text for piece in before}
    assert sum(piece.text not in known for piece in after) <= 9


def test_small_edits_change_two_chunks_on_average():
    text, source, changed = long_text(1), dice(1), 0
    known = {piece.text for piece in cut(text)}
    for place in source.sample(range(len(text)), 50):
        edited = cut(text[:place] + "X" + text[place:])
        changed += sum(piece.text not in known for piece in edited)
    assert changed <= 2.5 * 50


def test_chunks_of_prose_are_four_fifths_full_on_average():
    paragraphs = ("".join(sentences(seed, 5)).replace("\n", " ") for seed in range(400))
    pieces = cut("\n\n".join(paragraphs), max_tokens=512, overlap_tokens=64)
    assert len(pieces) > 100
    assert sum(piece.tokens for piece in pieces) >= 0.8 * 512 * len(pieces)


def test_edit_of_unbroken_text_changes_the_chunks_around_it_only():
    text = "".join(dice(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20_000))
    known = {piece.text for piece in cut(text)}
    edited = cut(text[:9000] + "x" + text[9000:])
    assert len(edited) > 100
    assert sum(piece.text not in known for piece in edited) <= 9


def test_edit_of_one_row_changes_the_chunks_around_it_only():
    rows = [f"name: {word}; age: {number}" for number in range(50) for word in WORDS]
    edited = [*rows[:300], "name: new; age: 99", *rows[301:]]
    before, after = (chunk(rows_of(some), **SIZES) for some in (rows, edited))
    known = {piece.text for piece in before}
    assert sum(piece.text not in known for piece in after) <= 9


def rows_of(rows, sheet=None) -> Document:
    return Document(
        tuple(Segment(row, Position(row=number, sheet=sheet)) for number, row in enumerate(rows, start=1))
    )


def test_rows_are_joined_but_not_cut():
    rows = [f"name: {word}. Really; age: {number}" for number in range(20) for word in WORDS]
    pieces = chunk(rows_of(rows), max_tokens=120, overlap_tokens=0)
    assert [row for piece in pieces for row in piece.text.split("\n")] == rows
    assert len(pieces) < len(rows) / 3


def test_position_is_that_of_the_first_text_behind_the_overlap():
    rows = [f"row {number}: some words of text" for number in range(1, 100)]
    pieces = chunk(rows_of(rows), **SIZES)
    assert pieces[0].position == Position(row=1)
    for before, piece in pairwise(pieces):
        assert f"row {piece.position.row}:" in piece.text
        assert f"row {piece.position.row}:" not in before.text


def test_lines_of_plain_text_are_counted():
    text = "\n".join(f"line {number} has some words." for number in range(1, 200))
    pieces = cut(text, overlap_tokens=0)
    assert len(pieces) > 10
    assert all(piece.text.startswith(f"line {piece.position.line} ") for piece in pieces)


def test_no_chunk_spans_two_sheets():
    segments = rows_of(["a", "b"], "One").segments + rows_of(["c"], "Two").segments
    pieces = chunk(Document(segments), **SIZES)
    assert [(piece.text, piece.position.sheet) for piece in pieces] == [("a\nb", "One"), ("c", "Two")]


def test_sentence_goes_on_across_pages():
    pages = Document(
        (Segment("It begins on one page", Position(page=1)), Segment("and ends here.", Position(page=2)))
    )
    (piece,) = chunk(pages, **SIZES)
    assert piece == Chunk("It begins on one page\nand ends here.", piece.tokens, Position(page=1))


def test_short_document_is_one_chunk():
    text = "One. Two.\n\nThree.\n\n# Four\n\nFive."
    assert [piece.text for piece in cut(text)] == [text]


def test_headings_and_paragraphs_are_better_breaks_than_sentences():
    section = "# Heading\n\n" + "Some words stand here. " * 9 + "\n\n"
    assert all(piece.text.startswith("# Heading") for piece in cut(section * 9, overlap_tokens=0))


def test_emoji_of_several_characters_are_not_torn():
    pieces = cut(FAMILY * 300, overlap_tokens=0)
    assert len(pieces) > 10
    assert all(set(piece.text.split(FAMILY)) == {""} for piece in pieces)


@given(text=texts)
@example(text="")
@example(text=" \n ")
def test_same_text_gives_the_same_chunks(text):
    assert cut(text) == cut(text)
    assert bool(cut(text)) == bool(text.strip())


@pytest.mark.parametrize(("max_tokens", "overlap_tokens"), [(31, 0), (0, 0), (64, 33), (64, -1)])
def test_sizes_without_room_for_text_are_refused(max_tokens, overlap_tokens):
    with pytest.raises(ValueError, match="cannot be made"):
        cut("text", max_tokens=max_tokens, overlap_tokens=overlap_tokens)


@pytest.mark.parametrize(
    "text",
    [
        "".join(dice(1).choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=200_000)),
        "a" * 200_000,
        " " * 200_000 + "a",
        "\n" * 200_000 + "a",
        "." * 200_000,
        ". " * 100_000,
        "漢字" * 50_000,
        FAMILY * 8_000,
        "e" + "\u0301" * 100_000,
    ],
    ids=["random", "letters", "spaces", "newlines", "dots", "sentences", "chinese", "emoji", "accents"],
)
def test_monotonous_text_is_cut_in_no_time(text):
    started = time.process_time()
    pieces = cut(text, max_tokens=512, overlap_tokens=64)
    assert time.process_time() - started < 3
    assert without_space(text).endswith(without_space(pieces[-1].text)[-10:])


def test_tokens_are_those_of_the_embedding_models():
    known = {
        "tiktoken is great!": 6,
        "antidisestablishmentarianism": 6,
        "2 + 2 = 4": 7,
        "お誕生日おめでとう": 9,
    }
    assert {text: count_tokens(text) for text in known} == known


def test_text_that_looks_like_a_special_token_is_counted_as_text():
    assert count_tokens("<|endoftext|>") == 7


def table_of(rows, header="Name | Age", context=("Staff",)) -> Document:
    head = Segment(header, Position(row=1), context)
    below = (Segment(row, Position(row=n), context, header) for n, row in enumerate(rows, start=2))
    return Document((head, *below))


@pytest.mark.parametrize("overlap", [0, 12])
def test_each_chunk_of_a_table_begins_with_its_header_line_and_keeps_to_the_limit(overlap):
    rows = [f"{word} {number} | {number}" for number in range(40) for word in WORDS]
    pieces = chunk(table_of(rows), max_tokens=64, overlap_tokens=overlap)
    assert len(pieces) > 50
    for piece in pieces:
        assert piece.text.split("\n").count("Name | Age") == 1
        assert piece.text.startswith("Name | Age\n")
        assert piece.tokens == count_tokens(piece.text) <= 64


def test_context_of_a_chunk_is_that_of_its_first_new_text_and_ends_with_the_header():
    first, *others = chunk(table_of([f"somebody {number} | {number}" for number in range(99)]), **SIZES)
    assert first.context == ("Staff",)
    assert {piece.context for piece in others} == {("Staff", "Name | Age")}


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=60), overlap=st.integers(0, 32))
def test_row_that_fits_into_a_chunk_is_never_cut(lengths, overlap):
    rows = [f"Row {n}." + " A cell ends." * length for n, length in enumerate(lengths)]
    rows = [row for row in rows if count_tokens(f"Name | Age\n{row}") < 64]
    pieces = chunk(table_of(rows), max_tokens=64, overlap_tokens=overlap)
    assert {line for piece in pieces for line in piece.text.split("\n")} == {"Name | Age", *rows}


def test_header_of_half_a_chunk_is_not_repeated_but_remains_in_the_context():
    header = " | ".join(f"column {number}" for number in range(30))
    pieces = chunk(table_of([f"cells of row {number}" for number in range(99)], header), **SIZES)
    assert pieces[-1].text.startswith("cells of row")
    assert pieces[-1].context == ("Staff", header)


def test_header_of_the_first_table_is_not_taken_for_that_of_the_next():
    tables = [
        table_of([f"{name} {n} | {n}" for n in range(30)], f"{name} | Age").segments
        for name in ("Anna", "Bo")
    ]
    for piece in chunk(Document((*tables[0], *tables[1])), **SIZES):
        before, row, _ = piece.text.partition("\nBo 0")
        assert not row or "Bo | Age" in before
        assert piece.text.startswith("Anna") or "Anna" not in piece.text


SECTIONS = [
    ("Leave", "Ask the manager. Wait for an answer. " * 6),
    ("Trips", "Take the train. Keep it. " * 9),
]


@pytest.mark.parametrize("heading", ["{}\n\n", "# {}\n\n", "# {}\n", "{}\n=====\n\n", "== {}\n\n", "* {}\n"])
@given(count=st.integers(1, 12), overlap=st.integers(0, 20))
@hypothesis_settings(max_examples=20)
def test_no_chunk_ends_with_the_heading_of_the_next_section(heading, count, overlap):
    segments = [
        Segment(heading.format(title) + text, Position(section=title)) for title, text in SECTIONS * count
    ]
    for piece in chunk(Document(tuple(segments)), max_tokens=64, overlap_tokens=overlap):
        assert not piece.text.rstrip("=\n").endswith(("Leave", "Trips"))


@given(st.lists(st.sampled_from(["# One\n\n", "## Two\n", "Words stand here.\n\n", "More\n\n"]), max_size=80))
def test_heading_of_markdown_is_never_the_end_of_a_chunk(parts):
    runs = (list(run) for is_heading, run in groupby(parts, lambda part: part[0] == "#") if is_heading)
    assume(max(map(len, runs), default=0) < 5)  # headings alone that fill a chunk end it
    text = "".join(parts) + "The end of it."
    for piece in cut(text):
        assert not piece.text.endswith(("# One", "## Two")) or len(text) < 64


def test_text_goes_on_across_pages_where_no_sentence_has_ended():
    pages = [Segment("It is said here. It goes on " * 3 + "to where", Position(page=n)) for n in range(1, 40)]
    assert all(piece.text.endswith(("here.", "where")) for piece in chunk(Document(tuple(pages)), **SIZES))
    assert not any(piece.text.endswith("where") for piece in chunk(Document(tuple(pages)), **SIZES)[:-1])


def test_chunks_come_while_segments_are_still_read():
    read = []

    def segments() -> Any:
        for number in range(100_000):
            read.append(number)
            yield Segment(f"{number}. Ulm has a harbour.", Position(row=number + 1))

    first = next(chunks(segments(), max_tokens=512, overlap_tokens=64))
    assert first.position.row == 1
    assert len(read) < 20_000


def test_chunks_are_the_same_however_many_segments_are_joined_at_once(monkeypatch):
    rows = [
        Segment(f"{number} | {text}", Position(row=number + 1), ("Ports",), "Number | Text")
        for number, text in enumerate(sentences(3, 2_000))
    ]
    pages = [Segment(text, Position(line=1 + 7 * number)) for number, text in enumerate(sentences(4, 2_000))]
    document = Document((*rows, *pages, Segment("unbroken" * 20_000, Position(line=20_000))))
    at_once = chunk(document, **SIZES)
    monkeypatch.setattr("shared_code.documents.chunking._CHARACTERS_AT_ONCE", 5_000)
    monkeypatch.setattr("shared_code.documents.chunking._PIECES_AT_ONCE", 10)
    assert chunk(document, **SIZES) == at_once
