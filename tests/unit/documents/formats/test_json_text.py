"""JSON as people and programs really write it."""

import base64
import json
import random

import pytest

from shared_code.documents import BrokenDocument
from tests.unit.documents.reading import chunks, codes, contexts, read, text, texts


def test_records_stand_below_the_name_of_their_list():
    data = '{"invoices": [{"id": 1}], "creditNotes": [{"id": 2}]}'
    (piece,) = chunks("a.json", data)
    assert piece.text == "invoices\nid: 1\ncreditNotes\nid: 2"


def test_each_chunk_of_a_list_begins_with_its_name_and_knows_the_path_to_it():
    orders = [{"id": number, "note": "a few words about it"} for number in range(99)]
    pieces = chunks("a.json", json.dumps({"shop": {"city": "Bern", "orders": orders}}))
    below = [piece for piece in pieces if piece.context[-1:] == ("orders",)]
    assert len(below) > 10
    assert all("orders\nid: " in piece.text for piece in below)
    assert {piece.context for piece in below} == {("shop", "orders")}


def test_members_beside_a_list_of_records_are_read_with_their_place():
    data = '{"shop": {"city": "Bern", "orders": [{"id": 1}, {"id": 2}]}}'
    assert texts("a.json", data) == ["city: Bern", "id: 1", "id: 2"]
    assert contexts("a.json", data) == [("shop",), ("shop",), ("shop",)]


@pytest.mark.parametrize(
    "data",
    [
        '{"a": 1, "b": [2, 3,],}',
        '{\n  // a comment\n  "a": 1, /* another, */ "b": [2, 3]\n}',
        '# yet another\n{"a": 1, "b": [2, 3]}',
    ],
)
def test_comments_and_trailing_commas_are_no_faults(data):
    assert text("a.json", data) == "a: 1\nb: 2, 3"


def test_what_looks_like_a_comment_in_a_string_is_kept():
    data = r'{"url": "http://example.com/*a*/", "quote": "\" // ,]", }'
    assert texts("a.json", data) == ["url: http://example.com/*a*/", 'quote: " // ,]']


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize(
    "data",
    ['{"id": 1}\n{"id": 2}\n', '{\n"id": 1\n}\n{"id":\n2}', '{"id": 1}{"id": 2}', '{"id": 1},\n{"id": 2}'],
)
def test_values_one_after_the_other_are_records_whatever_the_name(name, data):
    assert texts(name, data) == ["id: 1", "id: 2"]


def test_line_that_was_cut_off_costs_no_other_line():
    data = '{"id": 1}\n{"id": 2}\n{"id": 3, "te'
    assert texts("a.jsonl", data) == texts("a.json", data) == ["id: 1", "id: 2"]
    (note,) = read("a.jsonl", data).notes
    assert (note.code, "line 3" in note.message) == ("RecordsNotRead", True)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (
            '[{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": ["c", "d',
            ["id: 1\ntags: a, b", "id: 2\ntags: c"],
        ),
        ('{"shop": {"city": "Bern", "days": ["Mon", "Tu', ["shop:\n  city: Bern\n  days: Mon"]),
        ('{"a": "x, [", /* y, */ "b": 1, // z, ]\n "c"', ["a: x, [", "b: 1"]),
        ("[1, 2, 3", ["1", "2"]),
        ('[{"id": 1}, /* as of [2024', ["id: 1"]),
        ('[{"id": 1},\n  # [one more,\n{"id": 2', ["id: 1"]),
    ],
)
def test_file_that_was_cut_off_is_read_up_to_its_last_whole_member(data, kept):
    assert texts("a.json", data) == kept
    assert codes("a.json", data) == ["RecordsNotRead"]


@pytest.mark.parametrize("data", ['{"a": "cut o', "[", '[{"a": 1} {"b": 2}', '{"a" 1, "b": 2', '["a": 1, 2'])
def test_file_that_is_more_than_cut_off_is_broken(data):
    with pytest.raises(BrokenDocument, match="not valid JSON"):
        read("a.json", data)


def test_one_broken_line_among_many_is_named():
    lines = [f'{{"id": {number}}}' for number in range(30)]
    lines[10] = '{"id": 10, "te'
    assert len(texts("a.jsonl", "\n".join(lines))) == 29
    assert codes("a.jsonl", "\n".join(lines)) == ["RecordsNotRead"]


@pytest.mark.parametrize("before", [1, 30_000])
def test_place_of_what_is_broken_is_told_within_its_record(before):
    lines = [*['{"name": "a long name to fill the file with"}'] * before, *['{"name":', ' "b" "c"}'] * before]
    with pytest.raises(BrokenDocument, match=f"at character 15 of the record in line {before + 1}\\."):
        read("a.jsonl", "\n".join(lines))


def test_file_of_broken_lines_is_broken():
    with pytest.raises(BrokenDocument, match="line 1"):
        read("a.jsonl", '{"id": \n{"id": \n{"id": 3}\n')


DATA = base64.b64encode(random.Random(1).randbytes(3_000)).decode()  # noqa: S311 - the same bytes each time
WRAPPED = "\n".join(DATA[start : start + 76] for start in range(0, len(DATA), 76))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps({"name": "logo", "image": DATA})),
        ("a.json", json.dumps({"name": "logo", "image": f"data:image/png;base64,{DATA}"})),
        ("a.md", f"The logo: ![logo](data:image/png;base64,{DATA})"),
        ("a.txt", f"The logo:\n{WRAPPED}\nIt ends."),
        ("a.yaml", "logo: |\n" + "\n".join(f"  {line}" for line in WRAPPED.split("\n"))),
        ("a.md", f"logo ![](data:image/svg+xml,{'%3Csvg%20x' * 50})"),
        ("a.xml", f"<r><name>logo</name><image>{DATA}</image></r>"),
    ],
)
def test_pictures_and_other_data_in_base64_are_left_out(name, content):
    found = text(name, content)
    assert "logo" in found
    assert len(found) < 120


@pytest.mark.parametrize("kept", ["ACGT" * 100, "a" * 500, "0123456789" * 30, "ABCDEFGH" * 60 + "abc"])
def test_long_words_that_are_no_data_are_kept(kept):
    assert text("a.txt", f"It is {kept}.") == f"It is {kept}."


LONG_NAME = "x" * 400_000


def test_members_of_an_object_that_is_too_long_to_be_held_are_segments():
    value = {"a": {"first": {"text": LONG_NAME}, "second": {"text": LONG_NAME}, "third": [1, 2]}, "b": 1}
    segments = read("a.json", json.dumps(value)).segments
    assert [segment.position.section for segment in segments] == ["first", "second", "third", "b"]
    assert [segment.context for segment in segments] == [("a",), ("a",), ("a",), ()]
    assert segments[2].text == "third: 1, 2"


def test_items_of_a_list_that_is_too_long_to_be_held_are_records_and_numbers_share_lines():
    value = {"list": [1, 2, {"text": LONG_NAME}, {"text": LONG_NAME}, 3]}
    segments = read("a.json", json.dumps(value)).segments
    assert [segment.position.row for segment in segments] == [1, 3, 4, 5]
    assert (segments[0].text, segments[3].text) == ("1, 2", "3")
    assert {segment.header for segment in segments} == {"list"}


def test_text_that_is_too_long_for_a_record_is_read_all_the_same():
    value = [{"text": LONG_NAME * 4}, {"text": "Ulm"}]
    first, second = texts("a.json", json.dumps(value))
    assert (len(first), second) == (len(LONG_NAME) * 4 + len("text: "), "text: Ulm")


def test_long_file_of_records_that_is_called_json_is_read_line_by_line():
    line = json.dumps({"text": "Ulm " * 100})
    assert len(texts("a.json", f"{line}\n" * 5_000)) == 5_000
