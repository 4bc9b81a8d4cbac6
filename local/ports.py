"""What listens on a port of this machine."""

import http.client
import socket

from local.http_client import request

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nobody listens on `port`."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=2).close()
    except OSError:
        return True
    return False


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


def server_name(port: int) -> str | None:
    """What the HTTP server on `port` calls itself; None where no such server answers."""
    try:
        return request("GET", f"http://{LOOPBACK}:{port}/", seconds=2).headers.get("server", "")
    except (OSError, http.client.HTTPException):
        return None
