"""Tables for people: printed as they are measured, and kept beside this file."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


def report(name: str, title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table and writes it to `benchmarks/results/{name}.md`."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line(row) for row in rows)]
    # How busy the machine was, the benchmark's own processes included.
    cores = f"{os.cpu_count()} cores with {os.getloadavg()[0]:.1f} processes on them"
    machine = f"{cores}, Python {platform.python_version()}, {datetime.now(UTC).date()}"
    text = f"## {title}\n\n{machine}\n\n" + "\n".join(lines) + "\n"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(text)
    print(text)


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(cell: object) -> str:
    return f"{cell:,.2f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else str(cell)
