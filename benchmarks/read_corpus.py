"""How well a folder of files is read: word recall and precision, refusals, seconds and memory for each kind.

    python -m benchmarks.read_corpus FOLDER [KIND ...]

The reference of a file is its text beside it, `report.pdf.txt` for `report.pdf`; files without one count for
refusals and seconds only. Each kind is read in a process of its own, one file after the other.
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

from benchmarks.report import report
from shared_code.documents import DocumentError, DocumentLimits, extract
from shared_code.documents.chunking import chunk

_REFERENCE = ".txt"
_WORD = re.compile(r"\w+")
_SIZES = {"max_tokens": 8_000, "overlap_tokens": 0}
_SECONDS_PER_KIND = 3_600
_MEGABYTE = 1_000_000
_KILOBYTE = 1024


@dataclass
class Measured:
    """What reading the files of one kind has shown."""

    files: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    memory: float = 0.0
    recall: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


def main() -> None:
    """Measures each kind that is in the folder, and prints a row for it."""
    folder, *kinds = sys.argv[1:]
    if kinds[:1] == ["--here"]:
        print(json.dumps(asdict(_measured(files_of(Path(folder))[kinds[1]]))))
        return
    found = files_of(Path(folder))
    rows = [_row(kind, _apart(folder, kind)) for kind in sorted(kinds or found)]
    header = ("kind", "files", "recall", "precision", "refused", "ms/file", "MB/s", "memory MB", "codes")
    report("read_corpus", f"Reading {Path(folder).name}", header, rows)


def files_of(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder by the endings of their names; references are none."""
    found = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.with_suffix("").is_file():
            found[path.suffix.lower().removeprefix(".") or "none"].append(path)
    return found


def _apart(folder: str, kind: str) -> Measured | None:
    command = [sys.executable, "-m", "benchmarks.read_corpus", folder, "--here", kind]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=_SECONDS_PER_KIND, check=False)  # noqa: S603
    return None if done.returncode else Measured(**json.loads(done.stdout))


def _measured(paths: Iterable[Path]) -> Measured:
    measured = Measured()
    refused = Counter[str]()
    for path in paths:
        data = path.read_bytes()
        started = time.process_time()
        text, code = _text(path.name, data)
        measured.seconds += time.process_time() - started
        measured.files += 1
        measured.megabytes += len(data) / _MEGABYTE
        if code:
            refused[code] += 1
        reference = path.with_name(path.name + _REFERENCE)
        words = _words(reference.read_text(errors="replace")) if reference.is_file() else None
        if words:
            recall, precision = _compared(words, _words(text))
            measured.recall.append(recall)
            if text:
                measured.precision.append(precision)
    measured.refused = dict(refused)
    measured.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE / _MEGABYTE
    return measured


def _text(name: str, data: bytes) -> tuple[str, str]:
    """The text of a file, or the code of the reason why there is none."""
    try:
        chunks = chunk(extract(name, data, DocumentLimits()), **_SIZES)
    except DocumentError as error:
        return "", error.code
    except BaseException as error:  # noqa: BLE001 - a panic is not an Exception; a reader process calls it broken
        return "", f"BrokenDocument ({type(error).__name__})"
    return "\n".join(each.text for each in chunks), ""


def _compared(wanted: Counter[str], got: Counter[str]) -> tuple[float, float]:
    """The share of the words of the reference that are in the text, and the reverse."""
    common = (wanted & got).total()
    return common / wanted.total(), common / max(1, got.total())


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _row(kind: str, measured: Measured | None) -> tuple[object, ...]:
    if measured is None:
        return (kind, "crashed", "", "", "", "", "", "", "")
    codes = ", ".join(f"{count} {code}" for code, count in sorted(measured.refused.items()))
    return (
        kind,
        measured.files,
        _mean(measured.recall),
        _mean(measured.precision),
        f"{sum(measured.refused.values()) / measured.files:.0%}",
        measured.seconds * 1000 / measured.files,
        measured.megabytes / max(measured.seconds, 1e-9),
        round(measured.memory),
        codes,
    )


def _mean(shares: list[float]) -> str:
    return f"{fmean(shares):.3f}" if shares else ""


if __name__ == "__main__":
    main()
