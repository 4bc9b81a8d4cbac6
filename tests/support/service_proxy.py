"""A proxy before a service: a test sees each request on its way, and decides what becomes of it."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import urlsplit

from local.ports import LOOPBACK
from tests.support.web_servers import WebServer

# Answers are read whole and sent on whole, and not compressed, so that addresses in them can be replaced.
_OF_ONE_CONNECTION = {"accept-encoding", "connection", "content-length", "keep-alive", "transfer-encoding"}

# In seconds: servers close an idle connection, after five of them by default those on Node.
_KEEP_ALIVE = 1.0


class AnswerLost(Exception):
    """Raised by a rule: the connection ends without an answer."""


@dataclass(frozen=True)
class Reply:
    """What a request is answered; so many bytes of it are announced and `missing`."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    missing: int = 0

    @classmethod
    def of(cls, value: Any, *, status: int, **headers: str) -> Self:
        """An answer in JSON."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, {"Content-Type": "application/json", **named}, json.dumps(value).encode())


@dataclass(frozen=True)
class Call:
    """A request on its way, header names in lower case; `send` takes it to the service with that body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    send: Callable[[bytes], Reply]

    def pass_on(self) -> Reply:
        """What the service answers to the request as it is."""
        return self.send(self.body)


Rule = Callable[[Call], Reply]


@dataclass
class ServiceProxy:
    """Treats requests by its rule, which is called in the thread of a connection and may take its time."""

    upstream: str
    rule: Rule
    origin: str = ""
    server: WebServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = WebServer(_handler(self))


@contextmanager
def service_proxy(upstream: str, rule: Rule = Call.pass_on) -> Iterator[ServiceProxy]:
    """A serving proxy before the service at that scheme, host and port."""
    proxy = ServiceProxy(upstream, rule)
    proxy.server.start()
    proxy.origin = f"http://{LOOPBACK}:{proxy.server.port}"
    try:
        yield proxy
    finally:
        proxy.server.stop()


def _handler(proxy: ServiceProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body of an answer leave together

        def setup(self) -> None:
            super().setup()
            self._upstream, self._last_used = _connection(proxy.upstream), 0.0

        def finish(self) -> None:
            super().finish()
            self._upstream.close()

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(self.command, self.path, _end_to_end(self.headers), body, self._send)
            try:
                self._answer(proxy.rule(call))
            except (AnswerLost, BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # or whoever asked was killed meanwhile

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server's names

        def _send(self, body: bytes) -> Reply:
            if time.monotonic() - self._last_used > _KEEP_ALIVE:
                self._upstream.close()  # the next request opens it anew
            self._upstream.request(self.command, self.path, body, _end_to_end(self.headers))
            answer = self._upstream.getresponse()
            # A service tells its own address, at which its clients would go on.
            received = answer.read().replace(proxy.upstream.encode(), proxy.origin.encode())
            self._last_used = time.monotonic()
            return Reply(answer.status, _end_to_end(answer.headers), received)

        def _answer(self, reply: Reply) -> None:
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if self.command != "HEAD" and reply.status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(reply.body) + reply.missing))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()
            self.close_connection |= bool(reply.missing)

        def log_message(self, *_: object) -> None:
            """Say nothing: the rule sees what was asked."""

    return Handler


def _connection(origin: str) -> http.client.HTTPConnection:
    parts = urlsplit(origin)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc)
    trusting = ssl._create_unverified_context()  # noqa: S323 - emulators certify themselves
    return http.client.HTTPSConnection(parts.netloc, context=trusting)


def _end_to_end(headers: Message) -> dict[str, str]:
    lowered = ((name.lower(), value) for name, value in headers.items())
    return {name: value for name, value in lowered if name not in _OF_ONE_CONNECTION}
