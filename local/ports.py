"""What listens on a port of this machine."""

import http.client
import socket
import sys

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
    """A port on which nobody listens; on Linux, nobody is given it by chance as long as this process runs.

    Whoever names it may listen on it: servers ask to reuse addresses.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((LOOPBACK, 0))
    port = int(bound.getsockname()[1])
    if sys.platform == "linux":
        bound.detach()  # open until this process ends
    else:
        bound.close()  # or nobody else could listen there
    return port


def server_name(port: int) -> str | None:
    """What the HTTP server on `port` calls itself; None where no such server answers."""
    try:
        return request("GET", f"http://{LOOPBACK}:{port}/", seconds=2).headers.get("server", "")
    except (OSError, http.client.HTTPException):
        return None
