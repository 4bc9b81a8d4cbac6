"""The development host beside the recorded engine: latency, throughput, memory, large inputs, histories."""

import json
import time
from collections.abc import Callable

from benchmarks.durable_app import ManagementClient, durable_host
from benchmarks.history_cost import measure_chain
from benchmarks.processes import cpu_seconds, resident_megabytes
from benchmarks.report import report
from local.services import RunningService

RECORDED = {"one": 0.2, "50 x 10": 6.3, "500": 13.0}
"""Seconds that Microsoft's engine took on Azure Storage's emulator, on a machine of two cores."""
SMALL = 2_000
MANY = 10_000
CHAINS = (50, 200, 800)
RECORD = {"id": 12345, "name": "a record of the sort that apps hand on", "tags": ["a", "b"], "size": 1.25}
LARGE = 10_000_000
"""Bytes of JSON, about."""


def main() -> None:
    """Measures all of it and writes the tables."""
    with durable_host() as (client, process):
        client.wait(client.start("one"))  # the first one pays for imports
        _report_latency(client)
        _report_throughput(client, process)
    with durable_host() as (client, _):
        client.wait(client.start("one"))
        _report_large_inputs(client)
    rows = [measure_chain(length) for length in CHAINS]
    header = ["activities in the chain", "ms an activity, all", "ms in the SDK's replay", "ms in the host"]
    report("devhost_history", "Cost of an activity by the length of the history", header, rows)


def _report_latency(client: ManagementClient) -> None:
    latencies = sorted(_timed(lambda: client.wait(client.start("one"))) for _ in range(50))
    fans = _timed(lambda: _start_and_wait(client, "fan-out", 10, count=50))
    large = _timed(lambda: client.wait(client.start("fan-out", 500)))
    huge = _timed(lambda: client.wait(client.start("fan-out", 2_000)))
    rows = [
        ["1 orchestration, 1 activity (median of 50)", latencies[25], RECORDED["one"]],
        ["1 orchestration, 1 activity (slowest of 50)", latencies[-1], RECORDED["one"]],
        ["50 orchestrations, fan-out of 10", fans, RECORDED["50 x 10"]],
        ["1 fan-out of 500", large, RECORDED["500"]],
        ["1 fan-out of 2,000", huge, "not recorded"],
    ]
    report("devhost_latency", "Durable on disk, over HTTP", ["", "seconds", "recorded engine, seconds"], rows)


def _report_throughput(client: ManagementClient, process: RunningService) -> None:
    pid = process.process.pid
    cpu = cpu_seconds(pid)
    seconds = _timed(lambda: _start_all(client, SMALL))
    used = cpu_seconds(pid) - cpu
    before = resident_megabytes(pid)
    _start_all(client, MANY - SMALL)
    rows = [
        ["small orchestrations a minute", round(60 * SMALL / seconds)],
        ["small orchestrations a minute of one core", round(60 * SMALL / used)],
        [f"MB held after {SMALL:,} instances", before],
        [f"MB held after {MANY:,} instances", resident_megabytes(pid)],
    ]
    report("devhost_throughput", "Many small orchestrations of one activity", ["", ""], rows)


def _report_large_inputs(client: ManagementClient) -> None:
    alone = [_timed(lambda: client.wait(client.start("one"))) for _ in range(50)]
    records = [RECORD] * (LARGE // len(json.dumps(RECORD)))
    reads, reading = _beside(client, lambda: [client.start("reads", records) for _ in range(2)])
    spreads, spreading = _beside(client, lambda: [client.start("spreads", records[::2])])
    rows = [
        ["alone", *_middle_and_slow(alone)],
        ["beside two jobs with inputs of 10 MB", *_middle_and_slow(reads)],
        ["those two jobs, of 20 activities each", reading, ""],
        ["beside a fan-out of 20 activities with inputs of 5 MB", *_middle_and_slow(spreads)],
        ["that fan-out", spreading, ""],
    ]
    report("devhost_large_inputs", "A small orchestration", ["", "seconds, median", "seconds, 95%"], rows)


def _beside(client: ManagementClient, start: Callable[[], list[str]]) -> tuple[list[float], float]:
    """Seconds that small orchestrations take, one after another, while others run, and that those take."""
    began = time.perf_counter()
    jobs = start()
    small = []
    while not all(client.has_ended(job) for job in jobs):
        small.append(_timed(lambda: client.wait(client.start("one"))))
    return small, time.perf_counter() - began


def _middle_and_slow(seconds: list[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100]


def _start_all(client: ManagementClient, count: int) -> None:
    for _ in range(count):
        client.start("one")
    client.wait_for_all(count)


def _start_and_wait(client: ManagementClient, name: str, value: int, *, count: int) -> None:
    for instance_id in [client.start(name, value) for _ in range(count)]:
        client.wait(instance_id)


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
