"""One HTTP request, as a user of the API makes it with curl. It needs nothing but Python."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = {"127.0.0.1", "localhost"}


@dataclass(frozen=True)
class Answer:
    """What the server said; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.text)


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    seconds: float = 30,
) -> Answer:
    """Sends one request, with `body` as JSON if there is one.

    Raises:
        OSError: no server answers.
        HTTPException: what answers is not HTTP.
    """
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.netloc, seconds)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        content = {} if body is None else {"Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        connection.request(method, target, sent, headers={**content, **(headers or {})})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read().decode(errors="replace"))
    finally:
        connection.close()


def _connection(scheme: str, address: str, seconds: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(address, timeout=seconds)
    if address.rsplit(":", 1)[0] in _LOOPBACK:
        trusting = ssl._create_unverified_context()  # noqa: S323, SLF001 - emulators certify themselves
        return http.client.HTTPSConnection(address, timeout=seconds, context=trusting)
    return http.client.HTTPSConnection(address, timeout=seconds)
