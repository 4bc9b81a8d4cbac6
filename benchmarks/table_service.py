"""A stand-in for a far table account: one table of many days, each page answered after a fixed time.

It answers exactly what an audit query asks, and nothing else; `serve` runs it in a process of its own, so
that its CPU time is not the client's.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from aiohttp import web

from local.emulators.azurite import ACCOUNT, ACCOUNT_KEY
from local.ports import LOOPBACK, free_port, is_free
from local.services import Service, running

FIRST_DAY = date(2021, 1, 1)
PAGE = 1_000
_BOUNDS = re.compile(r"PartitionKey ge '([^']*)' and PartitionKey (lt|le) '([^']*)'")
_ETAG = '"odata.etag":"W/\\"datetime\'2021-02-03T00%3A00%3A00.0000000Z\'\\"",'


@dataclass(frozen=True)
class Table:
    """How large the table is and how long a page takes, in seconds."""

    days: int
    rows_a_day: int
    seconds_a_page: float

    @property
    def rows(self) -> int:
        """All rows of the table."""
        return self.days * self.rows_a_day

    @property
    def query(self) -> str:
        """The query string of an audit query over every day."""
        return f"s={FIRST_DAY}&e={FIRST_DAY + timedelta(self.days - 1)}"


@contextmanager
def serve(table: Table) -> Iterator[str]:
    """Serves the table in a child process; yields the connection string of its account."""
    port = free_port()
    arguments = [str(port), str(table.days), str(table.rows_a_day), str(table.seconds_a_page)]
    service = Service(
        name="The table service",
        command=[sys.executable, "-m", "benchmarks.table_service", *arguments],
        ready=lambda: not is_free(port),
        environment={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    with running(service):
        endpoint = f"http://{LOOPBACK}:{port}/{ACCOUNT}"
        yield f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};TableEndpoint={endpoint}"


def _application(table: Table) -> web.Application:
    keys = [(FIRST_DAY + timedelta(day)).isoformat() for day in range(table.days)]
    pages_a_day = -(-table.rows_a_day // PAGE)
    page_of = cache(_page) if table.rows <= 200 * PAGE else _page

    async def query(request: web.Request) -> web.Response:
        await asyncio.sleep(table.seconds_a_page)
        bounds = _BOUNDS.search(request.query["$filter"])
        if bounds is None:
            raise web.HTTPBadRequest
        lower, comparison, upper = bounds.groups()
        place = int(request.query.get("NextPartitionKey", _first(keys, lower) * pages_a_day))
        end = _end(keys, upper, inclusive=comparison == "le") * pages_a_day
        body = page_of(table, place, "nometadata" not in request.headers["Accept"]) if place < end else _EMPTY
        more = {"x-ms-continuation-NextPartitionKey": str(place + 1)} if place + 1 < end else {}
        return web.Response(body=body, content_type="application/json", headers=more)

    application = web.Application()
    application.router.add_get("/{path:.*}", query)
    return application


_EMPTY = b'{"value":[]}'


def _first(keys: list[str], lower: str) -> int:
    return sum(key < lower for key in keys)


def _end(keys: list[str], upper: str, *, inclusive: bool) -> int:
    return sum(key <= upper if inclusive else key < upper for key in keys)


def _page(table: Table, place: int, with_etag: bool) -> bytes:  # noqa: FBT001 - a cache key
    """Page number `place` of the table: a tenth of the people appear twice."""
    pages_a_day = -(-table.rows_a_day // PAGE)
    day, part = divmod(place, pages_a_day)
    first = day * table.rows_a_day + part * PAGE
    last = min(first + PAGE, (day + 1) * table.rows_a_day)
    people = table.rows * 9 // 10
    etag = _ETAG if with_etag else ""
    rows = (f'{{{etag}"identificationNumber":"{row * 7919 % people:010}"}}' for row in range(first, last))
    return f'{{"value":[{",".join(rows)}]}}'.encode()


if __name__ == "__main__":
    port, days, rows_a_day = map(int, sys.argv[1:4])
    served = Table(days, rows_a_day, float(sys.argv[4]))
    web.run_app(_application(served), host=LOOPBACK, port=port, print=None, access_log=None)
