"""The kinds of files whose text is read: a row for each, in one table that everything else goes by.

Which kind a file is follows from its name's ending; where a name says nothing, from how the file begins.
No parser is imported here, since listings go through every name of a container.
"""

import io
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import cast
from zipfile import BadZipFile, ZipFile

from shared_code.documents.document import DocumentLimits, Note, Segment
from shared_code.documents.errors import UnsupportedKind

Reader = Callable[[bytes, DocumentLimits], Iterator[Segment | Note]]

_ZIP = b"PK\x03\x04"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT = rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\."
# Of an ending a name is meant to have: not of `1.2` or `2024-05-01`, nor of the name of a hidden file.
_ENDING = re.compile(r"[a-z0-9_~-]*[a-z][a-z0-9_~-]*")
_BEGINNING = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of files that is read.

    Attributes:
        endings: of names, in small letters; the first is the kind's name.
        format_reader: module and function below `formats`.
        bytes_per_token: bytes of a file for each token of its text. Markup, compression and pictures are what
            makes kinds differ; rows of tables may name their columns, so that their text is longer than the
            file.
        about: what is read of it.
        begins: what the first bytes of such a file match, if no other kind begins so.
        members: of what a container of this kind (zip, or that of old Office) holds one, and no other kind.
        is_binary: whether the file is binary, so that its format tells when the name is wrong.
        may_be_scan: whether its text may be a picture.
    """

    endings: tuple[str, ...]
    format_reader: str
    bytes_per_token: float
    about: str
    begins: re.Pattern[bytes] | None = None
    members: tuple[str, ...] = ()
    is_binary: bool = False
    may_be_scan: bool = False

    @property
    def name(self) -> str:
        """The common ending."""
        return self.endings[0]

    def read(self, data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
        """The text of a file of this kind, and what is to be said of it; imports the parser at first use."""
        module, _, function = self.format_reader.partition(".")
        return cast("Reader", getattr(import_module(f"shared_code.documents.formats.{module}"), function))(
            data, limits
        )


def _beginning(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:" + pattern + rb")", re.IGNORECASE)


_TEXT = Kind(
    endings=("txt", "text", "log"),
    format_reader="plain_text.read_text",
    bytes_per_token=3.0,
    about="as it is; pictures and other data in base64 are left out",
)
KINDS = (
    Kind(
        endings=("pdf",),
        format_reader="pdf.read_pdf",
        bytes_per_token=30.0,
        about="each page with what was filled in and typed on, and comments; pages without text are named",
        begins=re.compile(rb"%PDF-"),
        is_binary=True,
        may_be_scan=True,
    ),
    Kind(
        endings=("docx", "docm", "dotx", "dotm"),
        format_reader="word.read_docx",
        bytes_per_token=6.0,
        about="text, tables, numbers of headings and lists, headers and footers, notes, comments, answers of "
        "forms, charts, alternative texts",
        members=("word/document.xml",),
        is_binary=True,
        may_be_scan=True,
    ),
    Kind(
        endings=("doc", "dot"),
        format_reader="old_word.read_doc",
        # Hardly any is read, so that a price does not count them.
        bytes_per_token=math.inf,
        about="what programs save under this ending as docx, RTF, a web page or text; Word's own old format "
        "is not read: save it as docx",
        is_binary=True,
    ),
    Kind(
        endings=("xlsx", "xlsm", "xltx", "xltm", "ods", "ots"),
        format_reader="workbook.read_workbook",
        bytes_per_token=1.6,
        about="each row of each sheet, cells as they are shown, comments, text boxes, SmartArt",
        begins=re.compile(_OPEN_DOCUMENT + rb"spreadsheet", re.DOTALL),
        members=("xl/workbook.xml", "EncryptedPackage"),
        is_binary=True,
    ),
    Kind(
        endings=("xlsb",),
        format_reader="workbook.read_workbook",
        bytes_per_token=1.5,
        about="as xlsx",
        members=("xl/workbook.bin",),
        is_binary=True,
    ),
    Kind(
        endings=("xls", "xlt"),
        format_reader="workbook.read_xls",
        bytes_per_token=4.0,
        about="as xlsx; web pages and delimited text that programs save under this ending are read as such",
        members=("Workbook", "Book"),
        is_binary=True,
    ),
    Kind(
        endings=("csv",),
        format_reader="csv_table.read_csv",
        bytes_per_token=1.3,
        about="each row, whatever the delimiter",
    ),
    Kind(
        endings=("tsv", "tab"),
        format_reader="csv_table.read_tsv",
        bytes_per_token=1.3,
        about="each row",
    ),
    Kind(
        endings=("html", "htm", "xhtml"),
        format_reader="web_page.read_html",
        bytes_per_token=8.0,
        about="main content, without navigation, footers and hidden parts",
        begins=_beginning(rb"(?:<!--.{0,1000}?-->\s*)*<(?:!doctype html|html|head|body|table)\b"),
    ),
    Kind(
        endings=("json", "geojson"),
        format_reader="json_text.read_json",
        bytes_per_token=3.5,
        about="each record with its names; comments and trailing commas are allowed",
    ),
    Kind(
        endings=("jsonl", "ndjson"),
        format_reader="json_text.read_json_lines",
        bytes_per_token=3.5,
        about="a record for each line",
    ),
    Kind(
        endings=("ipynb",),
        format_reader="notebook.read_notebook",
        bytes_per_token=12.0,
        about="the cells with what they printed, cut at headings; pictures are left out",
    ),
    Kind(
        endings=("pptx", "pptm", "ppsx", "potx"),
        format_reader="slides.read_pptx",
        bytes_per_token=60.0,
        about="each slide with its tables, charts, alternative texts, comments and speaker notes",
        members=("ppt/presentation.xml",),
        is_binary=True,
        may_be_scan=True,
    ),
    Kind(
        endings=("odt", "ott", "odp"),
        format_reader="open_document.read_open_document",
        bytes_per_token=10.0,
        about="text, lists, tables, numbers of headings and lists, charts, formulas, notes, comments, "
        "alternative texts; of presentations each slide",
        begins=re.compile(_OPEN_DOCUMENT + rb"(?:text|pres)", re.DOTALL),
        is_binary=True,
    ),
    Kind(
        endings=("epub",),
        format_reader="book.read_epub",
        bytes_per_token=10.0,
        about="the chapters in their order",
        members=("META-INF/container.xml",),
        is_binary=True,
    ),
    Kind(
        endings=("eml", "p7s"),
        format_reader="mail.read_eml",
        bytes_per_token=8.0,
        about="sender, recipients, date, subject, text and mails within it; attachments are named",
        begins=_beginning(
            rb"(?:From|Received|Return-Path|Delivered-To|MIME-Version|Message-ID|Subject|Date): "
        ),
    ),
    Kind(
        endings=("msg",),
        format_reader="mail.read_msg",
        bytes_per_token=30.0,
        about="as eml",
        members=("__properties_version1.0",),
        is_binary=True,
    ),
    Kind(
        endings=("mhtml", "mht"),
        format_reader="mail.read_mhtml",
        bytes_per_token=30.0,
        about="as html",
    ),
    Kind(
        endings=("rtf",),
        format_reader="rich_text.read_rtf",
        bytes_per_token=15.0,
        about="text, headers, footers, footnotes, comments",
        begins=_beginning(rb"\{\\rtf"),
    ),
    Kind(
        endings=("md", "markdown", "mdx"),
        format_reader="markup.read_markdown",
        bytes_per_token=3.5,
        about="as it is, cut at headings; embedded pictures are left out",
    ),
    Kind(
        endings=("rst",),
        format_reader="markup.read_restructured_text",
        bytes_per_token=3.5,
        about="as it is, cut at headings",
    ),
    Kind(
        endings=("adoc", "asciidoc"),
        format_reader="markup.read_asciidoc",
        bytes_per_token=3.5,
        about="as it is, cut at headings",
    ),
    Kind(
        endings=("org",),
        format_reader="markup.read_org",
        bytes_per_token=3.5,
        about="as it is, cut at headings",
    ),
    Kind(
        endings=("xml", "xsl", "xsd"),
        format_reader="xml_text.read_xml",
        bytes_per_token=5.0,
        about="names and values of its elements",
        begins=_beginning(rb"<\?xml\b"),
    ),
    Kind(
        endings=("yaml", "yml"),
        format_reader="plain_text.read_text",
        bytes_per_token=3.5,
        about="as it is",
    ),
    Kind(
        endings=(
            *("py", "js", "ts", "java", "go", "c", "h", "cpp", "cs", "rs", "rb", "php", "sql", "r"),
            *("sh", "ps1", "bat", "tex", "bib", "toml", "ini", "cfg", "conf", "properties"),
        ),
        format_reader="plain_text.read_text",
        bytes_per_token=3.5,
        about="as it is",
    ),
    Kind(
        endings=("vtt", "srt"),
        format_reader="subtitles.read_subtitles",
        bytes_per_token=8.0,
        about="what is said, without the times",
    ),
    _TEXT,
)
# Of programs in TypeScript, and of films in packets of one length that begin with the same byte.
_FILM = "ts"
_FILM_PACKETS = ((0, 188), (4, 192))
_BY_ENDING = {ending: kind for kind in KINDS for ending in kind.endings}
# What to do with files that people have and that are not read.
_ADVICE = {
    **dict.fromkeys(("wps", "pages"), "save it as docx"),
    **dict.fromkeys(("ppt", "pps", "key"), "save it as pptx"),
    "numbers": "save it as xlsx",
    **dict.fromkeys(
        ("png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp", "heic"),
        "recognise its text (OCR) and store that, as a PDF or as text",
    ),
    **dict.fromkeys(("zip", "7z", "rar", "tar", "gz", "tgz"), "store the files that it holds"),
    **dict.fromkeys(
        ("mp3", "mp4", "wav", "mov", "avi", "m4a", _FILM), "store its transcript, as vtt, srt or text"
    ),
}


def kind_of_name(name: str) -> Kind | None:
    """The kind that a name's ending tells; None if it is not read or the name says nothing."""
    return _BY_ENDING.get(_ending(name))


def says_nothing(name: str) -> bool:
    """Whether a name has no ending that could tell a kind."""
    return not _ENDING.fullmatch(_ending(name))


def kind_of(name: str, data: bytes) -> Kind:
    """The kind of a file, by its name and otherwise by its content.

    Raises:
        UnsupportedKind: files of this kind are not read.
    """
    if says_nothing(name):
        return _kind_of_content(data)
    ending = _ending(name)
    kind = kind_of_name(name)
    if kind and not (ending == _FILM and _is_film(data)):
        return kind
    advice = _ADVICE.get(ending, f"use one of {', '.join(kind.name for kind in KINDS)}")
    raise UnsupportedKind(f"Files of kind {ending[:20]!r} are not read: {advice}.")


def _is_film(data: bytes) -> bool:
    return any(data[start : start + 4 * size : size] == b"GGGG" for start, size in _FILM_PACKETS)


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".").strip()


def _kind_of_content(data: bytes) -> Kind:
    beginning = data[:_BEGINNING]
    for kind in KINDS:
        if kind.begins and kind.begins.match(beginning):
            return kind
    return _kind_of_container(data) if beginning.startswith((_ZIP, _COMPOUND_FILE)) else _TEXT


def _kind_of_container(data: bytes) -> Kind:
    members = _members_of_zip(data) if data.startswith(_ZIP) else _members_of_compound_file(data)
    for kind in KINDS:
        if members.intersection(kind.members):
            return kind
    raise UnsupportedKind(
        "A file without an extension that is a container of an unknown kind is not read: give it its "
        "extension."
    )


def _members_of_zip(data: bytes) -> set[str]:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            return set(archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError):
        return set()


def _members_of_compound_file(data: bytes) -> set[str]:
    from olefile import OleFileIO  # noqa: PLC0415 - a parser

    try:
        with OleFileIO(data) as container:
            return {path[0] for path in container.listdir()}
    except (OSError, ValueError, struct.error, IndexError):
        return set()
