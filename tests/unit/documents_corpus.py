"""Makes the files that the document tests read: small good ones of each kind, and nasty ones."""

import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
# Of the container of old Office files: its mark, and what ends a chain of sectors, is free or lists them.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END, _FREE, _TABLE = 0xFFFF_FFFE, 0xFFFF_FFFF, 0xFFFF_FFFD
COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"

HEBREW = "שלום עולם. זהו מסמך קצר."
ARABIC = "مرحبا بالعالم. هل هذا نص؟ نعم."
CHINESE = "一切从一个句子开始。这是第二句!还有第三句吗?"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            # It says what a file is to those who do not open it, so it is not compressed.
            archive.writestr(name, content, ZIP_STORED if name == "mimetype" else ZIP_DEFLATED)
    return buffer.getvalue()


def relationships(*targets: tuple[str, str]) -> str:
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def docx(body: str, *, styles: Mapping[str, str] | None = None, footnote: str = "") -> bytes:
    """A Word document; styles are names by id."""
    names = "".join(
        f'<w:style w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in (styles or {}).items()
    )
    members = {
        "_rels/.rels": relationships(("officeDocument", "word/document.xml")),
        "word/document.xml": (
            f'<w:document xmlns:w="{WORD}" xmlns:mc="{COMPATIBILITY}"><w:body>{body}</w:body></w:document>'
        ),
        "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{names}</w:styles>',
    }
    if footnote:
        notes = f"<w:footnote>{paragraph(footnote)}</w:footnote>"
        members["word/footnotes.xml"] = f'<w:footnotes xmlns:w="{WORD}">{notes}</w:footnotes>'
    return zipped(members)


def docx_of(body: str, parts: Mapping[str, tuple[str, str | bytes]], *, title: str = "") -> bytes:
    """A Word document with parts of its own: role and content by name; the id of each is its name."""
    links = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{role}" Target="{name}"/>'
        for name, (role, _) in parts.items()
    )
    main = f"""<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>
        <Relationship Id="rId2" Type="{OFFICE}/core-properties" Target="core.xml"/>"""
    return zipped(
        {
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{main}</Relationships>',
            "core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></c>',
            "word/document.xml": word_part("document", f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": (
                f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
            ),
            **{f"word/{name}": content for name, (_, content) in parts.items()},
        }
    )


def word_part(root: str, content: str) -> str:
    return (
        f'<w:{root} xmlns:w="{WORD}" xmlns:mc="{COMPATIBILITY}" xmlns:r="{OFFICE}" xmlns:wp="urn:wp" '
        f'xmlns:a="urn:a" xmlns:c="urn:c" xmlns:v="urn:v">{content}</w:{root}>'
    )


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def table(rows: Iterable[Iterable[str]]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def xlsx(sheets: Mapping[str, str], *, dimension: str = "") -> bytes:
    """A workbook; each sheet is given by the XML of its rows, and says that it has these dimensions."""
    names = list(sheets)
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    parts = {
        f"xl/worksheets/sheet{number}.xml": _worksheet(sheets[name], dimension)
        for number, name in enumerate(names, start=1)
    }
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
            "_rels/.rels": relationships(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": (
                f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": relationships(
                *(("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(names) + 1))
            ),
            **parts,
        }
    )


def _worksheet(rows: str, dimension: str) -> str:
    told = f'<dimension ref="{dimension}"/>' if dimension else ""
    return f'<worksheet xmlns="{SHEET}">{told}<sheetData>{rows}</sheetData></worksheet>'


def sheet_row(number: int, cells: Mapping[str, str | float]) -> str:
    """A row whose cells are given by column letter."""
    written = (_cell(f"{column}{number}", value) for column, value in cells.items())
    return f'<row r="{number}">{"".join(written)}</row>'


def _cell(reference: str, value: str | float) -> str:
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{reference}"><v>{value}</v></c>'


def pdf(pages: Sequence[str], *, trailer: str = "", xref: bool = True) -> bytes:
    """A PDF with a line of text on each page; without its cross references where told so."""
    kids = " ".join(f"{3 + 2 * index} 0 R" for index in range(len(pages)))
    font = "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"]
    for index, text in enumerate(pages):
        drawing = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {font} /Contents {4 + 2 * index} 0 R >>"
        )
        objects.append(f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream")
    return _pdf_file(objects, trailer, xref=xref)


def drawn_pdf(*objects: str, drawing: str, page: str = "", catalog: str = "") -> bytes:
    """A PDF of one page; further objects count from 6, and the font F1 is object 4."""
    font = "/Resources << /Font << /F1 4 0 R >> >>"
    given = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {font} /Contents 5 0 R {page} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
    ]
    return _pdf_file([*given, *objects], "", xref=True)


def _pdf_file(objects: Sequence[str], trailer: str, *, xref: bool) -> bytes:
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    entries = "".join(f"{offset:010} 00000 n \n" for offset in offsets) if xref else "garbage\n"
    start = len(body) if xref else 7
    size = len(objects) + 1
    return (
        f"{body}xref\n0 {size}\n0000000000 65535 f \n{entries}"
        f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    ).encode()


def encrypted_pdf() -> bytes:
    """Asks for a password: the keys of its owner and user do not follow from an empty one."""
    key = "41" * 32
    encryption = (
        f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<{key}> <{key}>]"
    )
    return pdf(["secret"], trailer=encryption)


def encrypted_office() -> bytes:
    """What Office writes for a docx or xlsx with a password: an OLE container."""
    return OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)


def old_office() -> bytes:
    return OLE + bytes(504) + "WordDocument".encode("utf-16-le") + bytes(512)


@cache
def docx_bomb() -> bytes:
    """Some hundred KB that want to be 100 MB."""
    return docx(f"<w:p><w:r><w:t>{'a' * 100_000_000}</w:t></w:r></w:p>")


@cache
def old_workbook(stream: str, *records: tuple[int, bytes]) -> bytes:
    """A workbook of old Excel: a container with one stream of records."""
    written = b"".join(
        kind.to_bytes(2, "little") + len(data).to_bytes(2, "little") + data for kind, data in records
    )
    sectors = max(8, -(-len(written) // 512))
    header = struct.pack("<8s16x5H6x10I", OLE, 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0)
    table = [_TABLE, _END, *range(3, sectors + 2), _END]
    entries = _entry("Root Entry", 5, child=1) + _entry(stream, 2, start=2, size=sectors * 512)
    return b"".join(
        (
            header.ljust(512, b"\xff"),
            struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff"),
            entries.ljust(512, b"\0"),
            written.ljust(sectors * 512, b"\0"),
        )
    )


def _entry(name: str, kind: int, *, child: int = _FREE, start: int = _END, size: int = 0) -> bytes:
    text = name.encode("utf-16-le")
    return struct.pack("<64sHBB3I36xIQ", text, len(text) + 2, kind, 1, _FREE, _FREE, child, start, size)


def xlsx_bomb() -> bytes:
    return xlsx({"Bomb": sheet_row(1, {"A": "a" * 100_000_000})})


def understating(archive: bytes, *, declared: int) -> bytes:
    """A zip file whose directory says of its largest member that it is small."""
    with ZipFile(io.BytesIO(archive)) as opened:
        largest = max(opened.infolist(), key=lambda member: member.file_size)
    true = largest.file_size.to_bytes(4, "little")
    return archive.replace(true, declared.to_bytes(4, "little"))


def sparse_xlsx() -> bytes:
    """Two cells in the opposite corners of the largest sheet there is."""
    return xlsx({"Sparse": sheet_row(1, {"A": "first"}) + sheet_row(1_048_576, {"XFD": "last"})})


def understating_xlsx() -> bytes:
    """The same in a sheet that says of itself that it is small."""
    corners = sheet_row(1, {"A": "first"}) + sheet_row(1_048_576, {"XFD": "last"})
    return xlsx({"Sparse": corners}, dimension="A1:B2")


def wide_csv(columns: int) -> bytes:
    header = ",".join(f"c{number}" for number in range(columns))
    return f"{header}\n{','.join(['1'] * columns)}\n".encode()


def one_line_json(size: int) -> bytes:
    text = b"A sentence of some words, which is as long as they often are, ends. " * 6
    record = b'{"id": 1, "name": "A name", "tags": ["a", "b"], "text": "' + text + b'"}'
    return b"[" + b", ".join([record] * (size // len(record))) + b"]"


def scripted_html(megabytes: int) -> bytes:
    script = "<script>var data = 'never read';" + "x" * (megabytes * 1_000_000) + "</script>"
    return f"<html><head>{script}</head><body>{script}<p>Read this.</p></body></html>".encode()


def image() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
