"""One HTTP request, as a user of the API makes it with curl."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


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
    method: str, url: str, *, headers: Mapping[str, str] | None = None, seconds: float = 30
) -> Answer:
    """Send one request without a body. Raises OSError or HTTPException where no server answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=seconds)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, headers=dict(headers or {}))
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read().decode(errors="replace"))
    finally:
        connection.close()
