"""What processes cost, as the operating system counts it (Linux)."""

import os
from pathlib import Path

_MEGABYTE = 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held."""
    return _status(pid, "VmHWM") / _MEGABYTE


def resident_megabytes(pid: int) -> float:
    """The memory that a process holds now."""
    return _status(pid, "VmRSS") / _MEGABYTE


def _status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
