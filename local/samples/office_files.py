"""Small docx, xlsx and pdf files written by hand: the same bytes each time, and no library for it."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org"
_RELATION = f"{_OFFICE}/officeDocument/2006/relationships"
_WORD = f"{_OFFICE}/wordprocessingml/2006/main"
_SHEET = f"{_OFFICE}/spreadsheetml/2006/main"
_CONTENT = "application/vnd.openxmlformats-officedocument"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time of a zip file, so that no clock shows in it

Row = Sequence[str | float]


def docx(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    """A text document: a heading, paragraphs, and a table below them."""
    style = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
    rows = "".join(f"<w:tr>{''.join(map(_word_cell, row))}</w:tr>" for row in table)
    body = _paragraph(title, style) + "".join(map(_paragraph, paragraphs)) + f"<w:tbl>{rows}</w:tbl>"
    document = f'{_XML}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    kinds = {"word/document.xml": f"{_CONTENT}.wordprocessingml.document.main+xml"}
    return _package("word/document.xml", {"word/document.xml": document}, kinds)


def xlsx(sheets: Mapping[str, Sequence[Row]]) -> bytes:
    """A workbook of sheets by name, each of rows of numbers and texts."""
    parts, listed, relations = {}, "", ""
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _worksheet(rows)
        listed += f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        relations += _relationship(number, "worksheet", f"worksheets/sheet{number}.xml")
    kinds = dict.fromkeys(parts, f"{_CONTENT}.spreadsheetml.worksheet+xml")
    kinds["xl/workbook.xml"] = f"{_CONTENT}.spreadsheetml.sheet.main+xml"
    parts["xl/workbook.xml"] = (
        f'{_XML}<workbook xmlns="{_SHEET}" xmlns:r="{_RELATION}"><sheets>{listed}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = _relationships(relations)
    return _package("xl/workbook.xml", parts, kinds)


def pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A document of pages of lines, in Latin letters."""
    first = 4  # after the catalogue, the list of pages and the font, two objects a page
    references = " ".join(f"{first + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{references}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for place, lines in enumerate(pages):
        resources = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
        content = f"/Contents {first + 2 * place + 1} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} {content} >>".encode())
        objects.append(_page_content(lines))
    return _pdf_file(objects)


def _paragraph(text: str, style: str = "") -> str:
    return f'<w:p>{style}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def _word_cell(value: str | float) -> str:
    return f"<w:tc>{_paragraph(str(value))}</w:tc>"


def _worksheet(rows: Sequence[Row]) -> str:
    data = "".join(f"<row>{''.join(map(_sheet_cell, row))}</row>" for row in rows)
    return f'{_XML}<worksheet xmlns="{_SHEET}"><sheetData>{data}</sheetData></worksheet>'


def _sheet_cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def _package(main: str, parts: Mapping[str, str], kinds: Mapping[str, str]) -> bytes:
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in kinds.items()
    )
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    types = (
        f'{_XML}<Types xmlns="{_OFFICE}/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="{relations}"/>{overrides}</Types>'
    )
    root = _relationships(_relationship(1, "officeDocument", main))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {"[Content_Types].xml": types, "_rels/.rels": root, **parts}.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    return file.getvalue()


def _relationships(relations: str) -> str:
    return f'{_XML}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{relations}</Relationships>'


def _relationship(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_RELATION}/{kind}" Target="{target}"/>'


def _page_content(lines: Sequence[str]) -> bytes:
    shown = b"".join(b"(%b) Tj T*\n" % _pdf_text(line) for line in lines)
    stream = b"BT /F1 11 Tf 14 TL 56 780 Td\n" + shown + b"ET"
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream)


def _pdf_text(line: str) -> bytes:
    escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return escaped.encode("cp1252")


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    file, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(objects) + 1, len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    return file + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
