"""Runs every benchmark, one after another, each in a process of its own."""

import subprocess
import sys

BENCHMARKS = [
    "host_start",
    "audit_query",
    "audit_memory",
    "http_pool",
    "http_pool_faults",
    "embed_files",
    "live_events",
    "cancel",
    "waiting",
    "retention",
    "job_list",
    "console",
    "host_page",
    "local_search",
    "retrieval",
    "reader_memory",
    "devhost",
]


def main() -> None:
    """Stops at the first one that fails."""
    for name in sys.argv[1:] or BENCHMARKS:
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)  # noqa: S603 - our own modules


if __name__ == "__main__":
    main()
