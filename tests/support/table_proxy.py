"""A proxy before the table service that can hold requests, so that a test chooses when a job is busy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from local.ports import LOOPBACK
from tests.support.service_proxy import Call, Reply, service_proxy


class TableProxy:
    """Passes queries on; holds each one after the first few until `release`."""

    def __init__(self, *, passing: int) -> None:
        self.filters: list[str] = []
        self.held: list[str] = []
        self.is_holding = threading.Event()
        self._passing = passing
        self._released = threading.Event()
        self._lock = threading.Lock()

    def release(self) -> None:
        """Let every request pass from now on."""
        self._released.set()

    def answer(self, call: Call) -> Reply:
        """Note a query, and hold it if its time has not come."""
        wanted = parse_qs(urlsplit(call.target).query)["$filter"][0]
        with self._lock:
            self.filters.append(wanted)
            hold = len(self.filters) > self._passing and not self._released.is_set()
            if hold:
                self.held.append(wanted)
        if hold:
            self.is_holding.set()
            self._released.wait(60)
        return call.pass_on()


@contextmanager
def table_proxy(table_port: int, *, passing: int) -> Iterator[tuple[TableProxy, str]]:
    """A serving proxy and its origin; the first `passing` requests are not held."""
    queries = TableProxy(passing=passing)
    with service_proxy(f"http://{LOOPBACK}:{table_port}", queries.answer) as proxy:
        try:
            yield queries, proxy.origin
        finally:
            queries.release()
