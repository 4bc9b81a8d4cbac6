"""Files as people have them, one or more of each kind that is read: the same bytes each time."""

import csv
import io
import json
import random
import re
import string
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

from tests.unit.documents_corpus import docx, paragraph, sheet_row, xlsx

# English as it is written, which no words out of a hat are like to a compressor or a tokenizer.
_ENGLISH = [
    " ".join(text.split())
    for record in sorted((Path(__file__).parents[2] / "docs" / "adr").glob("00[01]*.md"))
    for text in re.split(r"\n\n|\n## .*\n", record.read_text())
    if len(text) > 100
]
_WORDS = " ".join(_ENGLISH).replace("`", "").split()
_HEBREW = (
    "הוועדה של הנמל החליטה כי כל ספינה שיוצאת לפני הבוקר חייבת לדווח על המטען שלה ואף אחד אינו זוכר חריגה "
    "מן הכלל הזה מאז שהציוד הוחלף אחרי הסערה אבל כמה מן הקברניטים מעדיפים לדון בנוהל אחר"
)
_CHINESE = (
    "港口委员会决定每艘在早晨之前离开的船都必须报告货物自从暴风雨之后设备更换以来"
    "没有人记得有过例外但是几位船长更愿意讨论另一种程序"
)
_FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)
_ROWS = 400
# In bytes, which compress no further.
_FONT, _LOGO = 40_000, 20_000

Row = Sequence[str | float]


def typical_files() -> dict[str, tuple[str, bytes]]:
    """Name and bytes of each file, by what it is."""
    dice = random.Random(28)  # noqa: S311 - repeatable files, nothing secret
    return {
        "English text": ("a.txt", "\n\n".join(_ENGLISH).encode()),
        "Hebrew text": ("b.txt", _mixed(dice, _HEBREW.split(), " ").encode()),
        "Chinese text": ("c.txt", _mixed(dice, _CHINESE, "").encode()),
        "English Markdown": ("d.md", _markdown().encode()),
        "web page": ("e.html", _web_page().encode()),
        "Word document with a logo": ("f.docx", _word_document(dice)),
        "PDF with its fonts and a logo": ("g.pdf", _pdf(dice)),
        "orders": ("h.csv", _csv(_orders(dice))),
        "orders in a workbook": ("i.xlsx", _workbook(_orders(dice))),
        "readings of forty sensors": ("j.csv", _csv(_readings(dice))),
        "records": ("k.json", json.dumps(list(_records(dice)), indent=2).encode()),
        "records by line": ("l.jsonl", "\n".join(map(json.dumps, _records(dice))).encode()),
    }


def _mixed(dice: random.Random, words: Sequence[str], space: str) -> str:
    """Paragraphs of sentences of these words; only how long they are in bytes and tokens is typical."""
    sentences = (f"{space.join(dice.choices(words, k=12))}." for _ in range(400))
    return "".join(
        f"{sentence}{end}" for sentence, end in zip(sentences, [" ", " ", " ", "\n\n"] * 100, strict=True)
    )


def _markdown() -> str:
    return "\n\n".join(
        f"## Part {number}\n\n{text}\n\n- [first](https://example.com/{number})\n- **second**"
        for number, text in enumerate(_ENGLISH)
    )


def _web_page() -> str:
    links = "".join(f'<li class="nav-item"><a href="/section/{n}">Section {n}</a></li>' for n in range(40))
    body = "".join(
        f'<div class="content-block col-md-8" id="block-{number}"><p class="lead">{text}</p></div>\n'
        for number, text in enumerate(_ENGLISH)
    )
    script = "".join(f"window.config['feature-{n}'] = {{enabled: true, variant: {n}}};\n" for n in range(400))
    head = f"<head><title>Decisions</title><script>{script}</script></head>"
    return f"<!doctype html><html>{head}<body><nav><ul>{links}</ul></nav>{body}</body></html>"


def _word_document(dice: random.Random) -> bytes:
    file = io.BytesIO(docx("".join(map(paragraph, _ENGLISH))))
    with ZipFile(file, "a") as archive:
        archive.writestr("word/media/logo.png", dice.randbytes(_LOGO))
    return file.getvalue()


def _pdf(dice: random.Random) -> bytes:
    """Compressed pages of text, two embedded fonts and a picture."""
    lines = [text[start : start + 90] for text in _ENGLISH for start in range(0, len(text), 90)]
    pages = [_page(lines[start : start + 45]) for start in range(0, len(lines), 45)]
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, page in enumerate(pages):
        drawn = b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R" % (5 + 2 * number)
        objects += (b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %b >>" % drawn, page)
    return _pdf_file([*objects, *(_stream(dice.randbytes(size)) for size in (_FONT, _FONT, _LOGO))])


def _page(lines: Iterable[str]) -> bytes:
    shown = "".join(f"({line.replace('(', '[').replace(')', ']')}) Tj T* " for line in lines)
    drawing = f"BT /F1 11 Tf 14 TL 56 780 Td {shown} ET".encode("cp1252", "replace")
    return _stream(zlib.compress(drawing), b"/Filter /FlateDecode")


def _pdf_file(objects: Iterable[bytes]) -> bytes:
    body, entries = b"%PDF-1.4\n", [b"0000000000 65535 f \n"]
    for number, content in enumerate(objects, start=1):
        entries.append(b"%010d 00000 n \n" % len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    size = len(entries)
    table = b"xref\n0 %d\n%btrailer\n<< /Size %d /Root 1 0 R >>\n" % (size, b"".join(entries), size)
    return body + table + b"startxref\n%d\n%%%%EOF\n" % len(body)


def _stream(data: bytes, how: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), how, data)


def _orders(dice: random.Random) -> Iterator[Row]:
    yield (
        "order_id", "customer", "country", "ordered_at", "product", "quantity", "unit_price", "currency",
        "status", "note",
    )  # fmt: skip
    for number in range(_ROWS):
        yield (
            f"ORD-{100_000 + number}", _words(dice, 2).title(), dice.choice(("Germany", "Norway", "Israel")),
            f"{_FIRST + timedelta(hours=number):%Y-%m-%d %H:%M}", _words(dice, 2), dice.randint(1, 40),
            round(dice.uniform(1, 900), 2), "EUR", dice.choice(("open", "shipped", "returned")),
            _words(dice, dice.randint(0, 6)),
        )  # fmt: skip


def _readings(dice: random.Random) -> Iterator[Row]:
    yield ("timestamp", *(f"temperature_{number:02}" for number in range(39)))
    for number in range(_ROWS):
        moment = f"{_FIRST + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"
        yield (moment, *(round(dice.gauss(20, 4), 1) for _ in range(39)))


def _csv(rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _workbook(rows: Iterable[Row]) -> bytes:
    cells = (dict(zip(string.ascii_uppercase, row, strict=False)) for row in rows)
    return xlsx({"Orders": "".join(sheet_row(number, row) for number, row in enumerate(cells, start=1))})


def _records(dice: random.Random) -> Iterator[Mapping[str, object]]:
    for number in range(_ROWS):
        yield {
            "id": number, "title": _words(dice, 5), "tags": dice.choices(_WORDS, k=3),
            "address": {"city": _words(dice, 1).title(), "zip": f"{dice.randint(10_000, 99_999)}"},
            "active": dice.random() < 0.5, "score": round(dice.random(), 3), "text": _words(dice, 25),
        }  # fmt: skip


def _words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(_WORDS, k=count))
