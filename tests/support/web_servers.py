"""Web servers of tests, each in a thread of its own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from local.ports import LOOPBACK

LOOK = 0.01  # seconds between two looks whether to stop; http.server takes half a second


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port on which `handler` answers; one that handles no method is a program of somebody else."""
    server = _Server((LOOPBACK, 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(LOOK,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # clients keep connections open that nothing comes through any more
    request_queue_size = 64
