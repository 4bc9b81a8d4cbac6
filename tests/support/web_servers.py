"""Web servers of tests, each in a thread of its own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from local.ports import LOOPBACK

LOOK = 0.01  # seconds between two looks whether to stop; http.server takes half a second


class WebServer:
    """A server that may go away, and come back at the same port."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self._handler = handler
        self._tls = tls

    def start(self) -> None:
        """Listens, at a free port or at that of before."""
        self._server = _Server((LOOPBACK, self.port), self._handler)
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(LOOK,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes no more connections; those that are open go on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port on which `handler` answers; one that handles no method is a program of somebody else."""
    server = WebServer(handler, tls)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # clients keep connections open that nothing comes through any more
    request_queue_size = 64
