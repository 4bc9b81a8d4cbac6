"""What a process costs together with its children, also those that have ended (Linux)."""

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import peak_megabytes


def tree_cpu_seconds(pid: int) -> float:
    """User and system time of a process, and of all that it started, so far."""
    return sum(map(_cpu_seconds, _tree(pid)))


def tree_peak_megabytes(pid: int) -> float:
    """The most memory that each living process of the tree has held, added up: at least their common peak."""
    return sum(map(peak_megabytes, _tree(pid)))


def _cpu_seconds(pid: int) -> float:
    """Its own time, and that of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))
