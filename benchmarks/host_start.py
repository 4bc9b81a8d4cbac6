"""What a start costs: the host's until its first answers, storage being up, and a worker's imports."""

import statistics
import subprocess
import sys
import time

from benchmarks.jobs import stack, storage
from benchmarks.report import report
from local.http_client import request
from local.settings import ROOT

STARTS = 5
IMPORTS = 15
_SDKS = "import azure.functions, azure.durable_functions"
_FOLDERS = "[runpy.run_path(str(path)) for path in sorted(pathlib.Path().glob('*/main.py'))]"
_CLIENTS = "import shared_code.clients.composition"
_PROGRAM = """
import pathlib, runpy, time
{before}
began = time.process_time()
{timed}
print(time.process_time() - began)
"""
# What is imported before the time is taken, and what is timed.
_IMPORTED = {
    "azure.functions and azure.durable_functions": ("", _SDKS),
    "all function folders, those two among it": ("", f"{_SDKS}; {_FOLDERS}"),
    "the first step of a job, in a thread": (f"{_SDKS}; {_FOLDERS}", _CLIENTS),
}


def main() -> None:
    """Measures both, and writes a table of each."""
    _measure_host()
    _measure_imports()


def _measure_host() -> None:
    waits: list[tuple[float, float]] = []
    with storage() as account:
        for _ in range(STARTS):
            began = time.perf_counter()
            with stack(account, account) as running:
                ready = time.perf_counter() - began
                request("GET", f"{running.origin}/api/submit/query?s=2021-02-03&e=2021-02-05")
                waits.append((ready, time.perf_counter() - began))
    rows = [["fastest", *min(waits)], ["slowest", *max(waits)]]
    report("host_start", "Seconds from start to answer", ["", "host answers", "first job accepted"], rows)


def _measure_imports() -> None:
    """Each import in processes of its own, in turns, so that what else the machine does hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in _IMPORTED}
    for _ in range(IMPORTS):
        for name, (before, timed) in _IMPORTED.items():
            seconds[name].append(_seconds_of(before, timed))
    base = statistics.median(next(iter(seconds.values())))
    rows = [
        [name, min(each), statistics.median(each), statistics.median(each) / base]
        for name, each in seconds.items()
    ]
    title = f"CPU seconds to import, {IMPORTS} processes each"
    report("host_start_imports", title, ["", "fastest", "median", "times the first"], rows)


def _seconds_of(before: str, timed: str) -> float:
    command = [sys.executable, "-c", _PROGRAM.format(before=before, timed=timed)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    return float(ran.stdout)


if __name__ == "__main__":
    main()
