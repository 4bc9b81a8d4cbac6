"""An events service of a test's own, which may go down and come up again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any
from urllib.parse import unquote

from tests.support.web_servers import serving


class EventsService:
    """Answers what it was told, as soon as it is free to; while it is down, every request with 503."""

    def __init__(self) -> None:
        self.origin = ""
        self.is_down = False
        self.is_free = Event()
        self.is_free.set()
        self.asked: list[str] = []
        self._events: dict[str, dict[str, Any]] = {}

    def put(self, tracking_id: str, session_id: str, text: str, **more: Any) -> None:
        """Makes an event known."""
        self._events[tracking_id] = {"sessionId": session_id, "text": text, **more}

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and body for a path."""
        tracking_id = unquote(path.removeprefix("/events/"))
        self.asked.append(tracking_id)
        self.is_free.wait(30)
        if self.is_down:
            return 503, {}
        found = self._events.get(tracking_id)
        return (200, found) if found else (404, {})


@contextmanager
def events_service() -> Iterator[EventsService]:
    """A serving service without events."""
    service = EventsService()
    with serving(_handler(service)) as port:
        service.origin = f"http://127.0.0.1:{port}"
        yield service


def _handler(service: EventsService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, value = service.answer(self.path)
            body = json.dumps(value).encode()
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the test reads what was asked."""

    return Handler
