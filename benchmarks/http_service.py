"""The least HTTP service that can be measured against: a protocol of a few lines in a process of its own."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BODIES = {"/small": b"x" * 100, "/large": b"x" * 1024 * 1024}
_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n"
_RESPONSES = {path.encode(): _HEAD.format(len(body)).encode() + body for path, body in BODIES.items()}


@contextmanager
def serve() -> Iterator[str]:
    """Serves in a child process; yields its origin."""
    command = [sys.executable, "-m", "benchmarks.http_service"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - this module
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip() if child.stdout else ''}"
        finally:
            child.terminate()


class _Connection(asyncio.Protocol):
    """Answers requests without a body, one after another."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            path = request.split(b" ", 2)[1]
            self._transport.write(_RESPONSES[path])  # type: ignore[attr-defined] # a socket's can write


async def _main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=2_000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
