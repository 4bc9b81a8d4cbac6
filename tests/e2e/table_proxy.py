"""A proxy before the table service that can hold requests, so that a test chooses when a job is busy."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class TableProxy:
    """Forwards GET requests to Azurite; holds each one after the first few until `release`."""

    def __init__(self, table_port: int, *, passing: int) -> None:
        self.table_port = table_port
        self.filters: list[str] = []
        self.held: list[str] = []
        self.is_holding = threading.Event()
        self._passing = passing
        self._released = threading.Event()
        self._lock = threading.Lock()

    def release(self) -> None:
        """Let every request pass from now on."""
        self._released.set()

    def admit(self, target: str) -> None:
        """Note a request, and hold it if its time has not come."""
        wanted = parse_qs(urlsplit(target).query)["$filter"][0]
        with self._lock:
            self.filters.append(wanted)
            hold = len(self.filters) > self._passing and not self._released.is_set()
            if hold:
                self.held.append(wanted)
        if hold:
            self.is_holding.set()
            self._released.wait(60)


@contextmanager
def table_proxy(table_port: int, *, passing: int) -> Iterator[tuple[TableProxy, str]]:
    """A serving proxy and its origin; the first `passing` requests are not held."""
    proxy = TableProxy(table_port, passing=passing)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy, f"http://127.0.0.1:{server.server_port}"
    finally:
        proxy.release()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(proxy: TableProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.admit(self.path)
            upstream = http.client.HTTPConnection("127.0.0.1", proxy.table_port)
            upstream.request("GET", self.path, headers=dict(self.headers))
            answer = upstream.getresponse()
            body = answer.read()
            upstream.close()
            try:
                self._answer(answer, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the host that asked was killed meanwhile

        def _answer(self, answer: http.client.HTTPResponse, body: bytes) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the test reads what was asked."""

    return Handler
