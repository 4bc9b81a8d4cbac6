"""The memory and the processor's time that a reader process takes for one file.

    python -m benchmarks.reader_memory [FILE ...]

Without files it makes those that have taken most, large ones as people have them and hostile ones. Each file
is read by a fresh reader process.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

from benchmarks.report import report
from shared_code.documents import DocumentError, DocumentLimits
from shared_code.documents.sandbox import close_readers, read_file
from tests.unit import documents_corpus as corpus

_SIZES = {"max_tokens": 512, "overlap_tokens": 64}
_MEGABYTE = 1_000_000
_KILOBYTE = 1024
_PROSE = "The harbour of Ulm has a quay for barges, and a crane that lifts forty tonnes. "


def main() -> None:
    """Prints a row for each file."""
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(asyncio.run(_measured(Path(sys.argv[2])))))
        return
    with TemporaryDirectory() as folder:
        paths = [Path(name) for name in sys.argv[1:]] or _made(Path(folder))
        rows = [(path.name, path.stat().st_size / _MEGABYTE, *_apart(path)) for path in paths]
    header = ("file", "MB", "memory MB", "seconds of CPU", "chunks", "refused")
    report("reader_memory", "Memory of a reader process", header, rows)


def _apart(path: Path) -> list[object]:
    command = [sys.executable, "-m", "benchmarks.reader_memory", "--here", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603
    measured: list[object] = json.loads(done.stdout)
    return measured


async def _measured(path: Path) -> list[object]:
    # The reader starts while this process is small: a child's peak counts what its parent held at the start.
    await read_file("a.txt", b"Text.", DocumentLimits(), **_SIZES)
    chunks, refused = 0, ""
    try:
        data = await asyncio.to_thread(path.read_bytes)
        chunks = len((await read_file(path.name, data, DocumentLimits(), **_SIZES)).chunks)
    except DocumentError as error:
        refused = f"{error.code}: {error}"
    close_readers()
    used = getrusage(RUSAGE_CHILDREN)
    return [round(used.ru_maxrss * _KILOBYTE / _MEGABYTE), used.ru_utime + used.ru_stime, chunks, refused]


def _made(folder: Path) -> list[Path]:
    for name, make in _FILES.items():
        (folder / name).write_bytes(make())
    return [folder / name for name in _FILES]


def _csv() -> bytes:
    return b"Number,Port,Berth,Tonnes\n" + b"".join(
        b"%d,Ulm an der Donau,Berth %d,%d.5\n" % (number, number % 90, number % 1_000)
        for number in range(1_000_000)
    )


def _prose(separator: str, megabytes: int) -> bytes:
    lines = (f"{number}. {_PROSE}{separator}" for number in range(megabytes * 12_000))
    return "".join(lines).encode()


def _html_table() -> bytes:
    row = "<tr><td>{}</td><td>Ulm</td><td>7.5</td><td>Berth 3</td></tr>\n"
    rows = "".join(row.format(number) for number in range(180_000))
    return f"<table><tr><th>Number</th><th>Port</th><th>Tonnes</th><th>Place</th></tr>{rows}</table>".encode()


def _html_page() -> bytes:
    item = "<div class=item><h3>Berth {}</h3><p><a href=/ulm>Ulm</a> has a <b>quay</b> for boats.</p></div>\n"
    return f"<main>{''.join(item.format(number) for number in range(120_000))}</main>".encode()


def _tiny_records() -> bytes:
    return b"[" + b",".join(b'{"a":%d}' % number for number in range(1_000_000)) + b"]"


def _features() -> bytes:
    feature = '{"type": "Feature", "properties": {"name": "Ulm", "tonnes": %d}, "geometry": {"x": [1.5, 2]}}'
    return f'{{"features": [{", ".join(feature % number for number in range(400_000))}]}}'.encode()


def _workbook() -> bytes:
    rows = (
        corpus.sheet_row(number, {"A": number, "B": "Ulm", "C": 7.5, "D": f"Berth {number}"})
        for number in range(1, 300_001)
    )
    return corpus.xlsx({"Calls": "".join(rows)})


def _sparse_workbook(rows: int, column: str) -> bytes:
    cells = (corpus.sheet_row(number * 1_000 + 1, {column: "far"}) for number in range(rows))
    return corpus.xlsx({"S": corpus.sheet_row(1, {"A": "near"}) + "".join(cells)})


def _looping_pdf() -> bytes:
    """Forms of which each draws the next one ten times: a line of text, a million times."""
    names = " ".join(f"/X{level} {6 + level} 0 R" for level in range(6))
    forms = [_form(" ".join([f"/X{level + 1} Do"] * 10)) for level in range(5)]
    line = _form("BT /F1 12 Tf 72 720 Td (Round and round and round.) Tj ET")
    resources = f"<< /Font << /F1 4 0 R >> /XObject << {names} >> >>"
    return corpus.drawn_pdf(
        *forms, line, resources, drawing=" ".join(["/X0 Do"] * 10), page="/Resources 12 0 R"
    )


def _form(drawing: str) -> str:
    bounds = "/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources 12 0 R"
    return f"<< {bounds} /Length {len(drawing)} >>\nstream\n{drawing}\nendstream"


_FILES: dict[str, Callable[[], bytes]] = {
    "million-rows.csv": _csv,
    "prose-30-mb.txt": lambda: _prose("\n", 30),
    "without-breaks-30-mb.txt": lambda: b"x1y2z3w4" * 3_750_000,
    "table-10-mb.html": _html_table,
    "page-12-mb.html": _html_page,
    "tiny-records.json": _tiny_records,
    "features.json": _features,
    "workbook.xlsx": _workbook,
    "sparse-rows.xlsx": lambda: _sparse_workbook(1_000, "AZ"),
    "far-corner.xlsx": corpus.sparse_xlsx,
    "looping-forms.pdf": _looping_pdf,
}

if __name__ == "__main__":
    main()
