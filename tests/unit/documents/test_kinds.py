"""The one table of kinds: names, content, and the document that lists them."""

import re
from pathlib import Path

import pytest

from shared_code.documents import DocumentLimits, EncryptedDocument, UnsupportedKind
from shared_code.documents.kinds import KINDS, kind_of
from tests.unit.documents.formats.test_archives import epub, odt, pptx
from tests.unit.documents.formats.test_mail import mail
from tests.unit.documents.formats.test_workbook import FILES, encrypted, ods
from tests.unit.documents.reading import text
from tests.unit.documents_corpus import docx, encrypted_office, old_office, paragraph, pdf, xlsx, zipped

LISTED = Path(__file__).parents[3] / "docs" / "file-kinds.md"


def test_table_of_the_documents_is_the_table_of_the_code():
    listed, _, _ = LISTED.read_text().partition("All other files")
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|$", listed, re.MULTILINE)
    kinds = [(", ".join(f"`{ending}`" for ending in kind.endings), kind.about) for kind in KINDS]
    assert rows == kinds


def test_no_ending_stands_for_two_kinds():
    endings = [ending for kind in KINDS for ending in kind.endings]
    assert len(set(endings)) == len(endings)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_reader_of_each_kind_can_be_found(kind):
    assert iter(kind.read(b"", DocumentLimits()))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("pdf", pdf(["x"])),
        ("docx", docx(paragraph("x"))),
        ("xlsx", xlsx({"S": ""})),
        ("xlsx", ods("")),
        ("xlsx", encrypted(xlsx({"S": ""}), "secret")),
        ("xlsb", zipped({"xl/workbook.bin": ""})),
        ("xls", (FILES / "prices.xls").read_bytes()),
        ("pptx", pptx("")),
        ("odt", odt("")),
        ("epub", epub("")),
        ("html", b"\xef\xbb\xbf\n<!DOCTYPE html><p>x"),
        ("html", b"<!-- saved --><html>"),
        ("xml", b"<?xml version='1.0'?><a/>"),
        ("rtf", rb"{\rtf1 x}"),
        ("eml", mail().as_bytes()),
        ("txt", b"Just words."),
        ("txt", "Grüße".encode("cp1252")),
    ],
)
@pytest.mark.parametrize("name", ["README", "folder.d/notes", ".hidden", "Report v1.2", "minutes.2026-03-05"])
def test_kind_is_that_of_the_content_where_the_name_says_nothing(name, kind, data):
    assert kind_of(name, data).name == kind


@pytest.mark.parametrize(
    ("name", "kind"), [("a.PDF", "pdf"), ("b/c.Htm", "html"), ("x.tar.md", "md"), (".a.log", "txt")]
)
def test_kind_is_that_of_the_name_where_it_says_one(name, kind):
    assert kind_of(name, pdf(["x"])).name == kind


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.pages", "save it as docx"),
        ("a.ppt", "save it as pptx"),
        ("a.PNG", "OCR"),
        ("a.zip", "the files that"),
        ("a.mp3", "transcript"),
        ("a.exe", "use one of"),
    ],
)
def test_refusal_of_a_kind_says_what_to_do(name, advice):
    with pytest.raises(UnsupportedKind, match=f"are not read: .*{advice}"):
        kind_of(name, b"x")


@pytest.mark.parametrize(
    "data",
    [
        docx(paragraph("The boat leaves.")),
        rb"{\rtf1 The boat leaves.}",
        b"<html><p>The boat leaves.</p></html>",
        b"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>The boat leaves.</p>",
        b"The boat leaves.",
    ],
    ids=["docx", "rtf", "html", "mhtml", "text"],
)
def test_doc_that_old_word_did_not_write_is_read_as_what_it_is(data):
    assert text("a.doc", data).strip() == "The boat leaves."


def test_doc_of_old_word_is_refused_with_what_to_do():
    with pytest.raises(UnsupportedKind, match="'doc' are not read: save it as docx"):
        text("a.doc", old_office())
    with pytest.raises(EncryptedDocument):
        text("a.doc", encrypted_office())


@pytest.mark.parametrize("data", [zipped({"a.txt": "x"}), b"PK\x03\x04", old_office(), old_office()[:8]])
def test_container_without_a_name_that_says_what_it_is_is_refused(data):
    with pytest.raises(UnsupportedKind, match="is not read"):
        kind_of("backup", data)


@pytest.mark.parametrize(("start", "size"), [(0, 188), (4, 192)])
def test_film_that_is_called_as_programs_are_is_not_read(start, size):
    packet = bytes(start) + b"G" + b"abc\n" * ((size - start - 1) // 4)
    with pytest.raises(UnsupportedKind, match="transcript"):
        kind_of("a.ts", packet.ljust(size, b" ") * 5)
    assert kind_of("a.ts", b"GET = 1;\n" * 200).name == "py"
