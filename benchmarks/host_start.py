"""How long the development host takes from its start to its first answers, storage being up."""

import time

from benchmarks.jobs import stack, storage
from benchmarks.report import report
from local.http_client import request

RUNS = 5


def main() -> None:
    """Starts the host several times and writes a table of the slowest and the fastest start."""
    waits: list[tuple[float, float]] = []
    with storage() as account:
        for _ in range(RUNS):
            began = time.perf_counter()
            with stack(account, account) as running:
                ready = time.perf_counter() - began
                request("GET", f"{running.origin}/api/submit/query?s=2021-02-03&e=2021-02-05")
                waits.append((ready, time.perf_counter() - began))
    rows = [["fastest", *min(waits)], ["slowest", *max(waits)]]
    report("host_start", "Seconds from start to answer", ["", "host answers", "first job accepted"], rows)


if __name__ == "__main__":
    main()
