"""How much memory a job over two million rows takes in the process that runs it."""

from benchmarks.jobs import stack, storage
from benchmarks.processes import cpu_seconds, peak_megabytes, resident_megabytes
from benchmarks.report import report
from benchmarks.table_service import Table, serve

TABLES = [Table(60, 1_000, 0.0), Table(200, 10_000, 0.0), Table(14, 142_858, 0.0)]
HEADER = ["", "rows", "seconds", "CPU us a row", "MB before", "MB at most", "result"]


def main() -> None:
    """Runs one job on each table, each on a host of its own, and writes a table."""
    rows: list[list[object]] = []
    for table in TABLES:
        with storage() as jobs_storage, serve(table) as account, stack(jobs_storage, account) as running:
            before, cpu = resident_megabytes(running.pid), cpu_seconds(running.pid)
            result, seconds = running.run(table.query)
            cpu_a_row = 1e6 * (cpu_seconds(running.pid) - cpu) / table.rows
            name = f"{table.days} days x {table.rows_a_day:,} rows"
            peak = peak_megabytes(running.pid)
            rows.append([name, table.rows, seconds, cpu_a_row, before, peak, result])
    report("audit_memory", "Memory of the host and its functions while a job runs", HEADER, rows)


if __name__ == "__main__":
    main()
