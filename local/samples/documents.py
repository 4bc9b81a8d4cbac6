"""Made-up documents of a small harbour, one or more of every kind: the same bytes on every machine.

Some cannot be read, as in any real collection: an embedding job has to account for those too.
"""

import csv
import hashlib
import io
import json
import random
import struct
import textwrap
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContentSettings

from local.samples.office_files import docx, pdf, xlsx

CONTAINER = "samples"

_MOORING = (
    "A vessel that means to moor at Brennholm calls the harbour office an hour before it arrives.",
    "Two bow lines and two stern lines are the least, and three of each in more than thirty knots of wind.",
    "Lines are made fast to bollards only; rails, ladders and a neighbour's fenders are no place for them.",
    "Whoever leaves a vessel for more than a day leaves a telephone number with the harbour office.",
)
_CRANES = (
    "The gantry crane on the east quay lifts at most forty tonnes, thirty where the jib is fully extended.",
    "Its brakes are tested every morning before the first load, with an empty hook and then with one tonne.",
    "Grease the slewing ring once a week; a dry ring shows first as a squeal at low speed.",
    "Nobody stands below a hanging load, and the operator stops when anybody does.",
)
_PILOTAGE = (
    "A pilot is compulsory for vessels longer than seventy metres and for all that carry dangerous cargo.",
    "The pilot boards two miles west of the Skarv light, on the lee side, by a ladder that meets the rules.",
    "In fog the pilot may refuse to sail, and nobody may order otherwise.",
    "Pilotage ends when the first line is ashore.",
)
_TARIFF = (
    "Berth dues are charged for each day that has begun, by length over all.",
    "Fresh water costs 2.40 a cubic metre, shore power 0.31 a kilowatt hour.",
    "Waste that the crew has sorted is taken free of charge; unsorted waste costs 55 a bag.",
    "An invoice is due within fourteen days; after that, interest is added.",
)
_VESSELS = ("Alkyone", "Blåskjell", "Cormorant", "Dagny", "Eider", "Fulmar", "Grete", "Havørn")
_FIRST_DAY = date(2021, 1, 4)


@dataclass(frozen=True)
class SampleDocument:
    """A file, and whether there is text to be had from it."""

    path: str
    content: bytes
    readable: bool = True


def documents() -> list[SampleDocument]:
    """Every sample document, the same bytes each time."""
    return [*_handbook(), *_registers(), *_encodings(), *_unreadable()]


def upload(blobs: BlobServiceClient) -> int:
    """Write to the container `samples` what differs from what it holds; how many documents were written."""
    container = blobs.get_container_client(CONTAINER)
    with suppress(ResourceExistsError):  # then it may hold the documents already
        container.create_container()
    there = {blob.name: bytes(blob.content_settings.content_md5 or b"") for blob in container.list_blobs()}
    changed = [one for one in documents() if there.get(one.path) != _md5(one.content)]
    for document in changed:
        settings = ContentSettings(content_md5=bytearray(_md5(document.content)))
        container.upload_blob(document.path, document.content, overwrite=True, content_settings=settings)
    return len(changed)


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def _handbook() -> Iterator[SampleDocument]:
    markdown = (
        f"# Mooring\n\n{_MOORING[0]}\n\n## Lines\n\n- {_MOORING[1]}\n- {_MOORING[2]}\n\n{_MOORING[3]}\n"
    )
    yield SampleDocument("handbook/mooring.md", markdown.encode())
    yield SampleDocument("handbook/pilotage.txt", "\n\n".join(_PILOTAGE).encode())
    yield SampleDocument("handbook/welcome.html", _welcome().encode())
    checks = [("check", "every"), ("brakes", "day"), ("slewing ring", "week"), ("wire ropes", "month")]
    yield SampleDocument("handbook/cranes.docx", docx("Cranes", _CRANES, checks))
    yield SampleDocument("handbook/tariff.pdf", _tariff())


def _registers() -> Iterator[SampleDocument]:
    dice = random.Random(20210104)  # noqa: S311 - repeatable documents, nothing secret
    berths = [("berth", "length", "depth"), *((f"E{n}", 20 * n, round(3.5 + n / 2, 1)) for n in range(1, 9))]
    text = io.StringIO()
    csv.writer(text).writerows(berths)
    yield SampleDocument("registers/berths.csv", text.getvalue().encode())
    yield SampleDocument("registers/inspections.xlsx", _inspections(dice))
    vessels = [{"name": name, "length": dice.randrange(12, 90), "pilot": False} for name in _VESSELS]
    yield SampleDocument("registers/vessels.json", json.dumps(vessels, indent=2).encode())
    incidents = (
        {"day": str(_day(dice)), "vessel": dice.choice(_VESSELS), "what": dice.choice(_MOORING + _CRANES)}
        for _ in range(20)
    )
    yield SampleDocument("registers/incidents.jsonl", "\n".join(map(json.dumps, incidents)).encode())


def _encodings() -> Iterator[SampleDocument]:
    yield SampleDocument("texts/notice-utf16.txt", "\n".join(_TARIFF).encode("utf-16"))
    menu = "Café Brygga\n\nFiskesuppe, rømmegrøt, crème brûlée\nÅpent fra ni til fem\n"
    yield SampleDocument("texts/menu-cp1252.txt", menu.encode("cp1252"))
    greetings = "港へようこそ。係留の前に事務所へ連絡してください。\n\nمرحبا بكم في الميناء.\n"  # noqa: RUF001 - it is Arabic
    yield SampleDocument("texts/greetings.txt", greetings.encode())


def _unreadable() -> Iterator[SampleDocument]:
    yield SampleDocument("broken/empty.txt", b"", readable=False)
    yield SampleDocument("broken/half.json", b'[{"name": "Alkyone", "length": ', readable=False)
    yield SampleDocument("broken/half.pdf", _tariff()[:200], readable=False)
    yield SampleDocument("broken/not-a-workbook.xlsx", b"berth;length\nE1;20\n", readable=False)
    yield SampleDocument("pictures/quay.png", _picture(), readable=False)


def _welcome() -> str:
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in (_MOORING[0], _TARIFF[0], _PILOTAGE[0]))
    return (
        "<!doctype html><html lang=en><head><title>Welcome to Brennholm</title>"
        "<style>p { color: navy }</style><script>console.log('not for readers')</script></head>"
        f"<body><h1>Welcome to Brennholm</h1>{paragraphs}</body></html>"
    )


def _tariff() -> bytes:
    lines = [line for sentence in _TARIFF for line in textwrap.wrap(sentence, 80)]
    return pdf([["Tariff of the harbour", *lines], ["Pilotage (see the handbook)", *_PILOTAGE[3:]]])


def _inspections(dice: random.Random) -> bytes:
    head = ("day", "vessel", "finding", "hours")
    findings = ("no finding", "fender worn", "ladder loose", "light out")
    sheets = {
        quay: [head]
        + [
            (str(_day(dice)), dice.choice(_VESSELS), dice.choice(findings), dice.randrange(1, 9))
            for _ in range(30)
        ]
        for quay in ("East quay", "West quay")
    }
    return xlsx(sheets)


def _day(dice: random.Random) -> date:
    return _FIRST_DAY + timedelta(dice.randrange(300))


def _picture() -> bytes:
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0\x20\x40\x80")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_png_part, parts))


def _png_part(part: tuple[bytes, bytes]) -> bytes:
    kind, data = part
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
