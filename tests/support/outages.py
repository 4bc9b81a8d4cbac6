"""Outages of services: they begin at a request, last for some of the app's time, and fail in every way."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.support.app_time import AppTime
from tests.support.service_proxy import AnswerLost, Call, Reply, ServiceProxy

# Seconds: how long an attempt waits for an answer in these tests, and for how long it counts.
PATIENCE = 1.5
_COUNTED = 20.0
_LOOK = 0.002


@dataclass
class Outage:
    """A rule: from the request of that number on a service fails until its time is over.

    Attributes:
        seen: requests that came, before, in and after the outage.
        met: those that failed by it.
    """

    proxy: ServiceProxy
    time: AppTime
    fault: "Fault"
    seconds: float
    begins: int = 1
    seen: int = 0
    met: int = 0
    _ends: float | None = None
    _is_away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, call: Call) -> Reply:
        with self._lock:
            self.seen += 1
            if self.seen == self.begins:
                self._ends = self.time.now() + self.seconds
            is_on = self.is_on
            self.met += is_on
        return self.fault(self, call) if is_on else call.pass_on()

    @property
    def is_on(self) -> bool:
        """Whether requests fail now."""
        return self._ends is not None and self.time.now() < self._ends

    def go_away(self) -> None:
        """Stops listening until the outage is over."""
        with self._lock:
            if self._is_away:
                return
            self._is_away = True
        self.proxy.server.stop()
        threading.Thread(target=self._come_back, daemon=True).start()

    def end(self) -> None:
        """Ends the outage, whatever its time is; returns when the service listens again."""
        with self._lock:
            self._ends = None
        while self._is_away:
            time.sleep(_LOOK)

    def _come_back(self) -> None:
        while self.is_on:
            time.sleep(_LOOK)
        self.proxy.server.start()
        self._is_away = False


Fault = Callable[[Outage, Call], Reply]


def refused(outage: Outage, _call: Call) -> Reply:
    """Nobody listens any more, and connections that were open are cut."""
    outage.go_away()
    raise AnswerLost


def hangs(outage: Outage, _call: Call) -> Reply:
    """No answer comes, for as long as anybody waits."""
    outage.time.skip(_COUNTED)
    time.sleep(2 * PATIENCE)
    raise AnswerLost


def closes_in_the_middle(_outage: Outage, call: Call) -> Reply:
    """Half of the answer comes, and then the end of the connection."""
    reply = call.pass_on()
    half = len(reply.body) // 2
    missing = len(reply.body) - half
    if not missing:
        raise AnswerLost
    return Reply(reply.status, reply.headers, reply.body[:half], missing)


def executes_and_fails(_outage: Outage, call: Call) -> Reply:
    """What was asked is done, and said to have failed."""
    call.pass_on()
    return _status(HTTPStatus.INTERNAL_SERVER_ERROR)


def cut(_outage: Outage, call: Call) -> Reply:
    """Half of the answer comes, and an end as if it were all."""
    reply = call.pass_on()
    return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])


def page(status: HTTPStatus) -> Fault:
    """Something else answers, with a page for people."""
    text = b"<html><title>We will be back soon.</title></html>"
    return lambda _outage, _call: Reply(status, {"Content-Type": "text/html"}, text)


def answers(status: HTTPStatus, *, retry_after: int | None = None) -> Fault:
    """Every request has the same answer."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if retry_after:
        headers["x-ms-retry-after-ms"] = str(1_000 * retry_after)
    return lambda _outage, _call: _status(status, headers)


def _status(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, b"{}")


FAULTS: Mapping[str, Fault] = {
    "refused": refused,
    "503": answers(HTTPStatus.SERVICE_UNAVAILABLE),
    "500": answers(HTTPStatus.INTERNAL_SERVER_ERROR),
    "429-1": answers(HTTPStatus.TOO_MANY_REQUESTS, retry_after=1),
    "429-61": answers(HTTPStatus.TOO_MANY_REQUESTS, retry_after=61),
    "429-86400": answers(HTTPStatus.TOO_MANY_REQUESTS, retry_after=86_400),
    "hangs": hangs,
    "closes": closes_in_the_middle,
    "executes": executes_and_fails,
    "cut": cut,
    "page": page(HTTPStatus.OK),
    "page-404": page(HTTPStatus.NOT_FOUND),
    "401": answers(HTTPStatus.UNAUTHORIZED),
}
"""Every way in which a service fails, by the name that tests print."""
FOR_THE_APP = {"cut", "page", "page-404", "401"}
"""Those that the app has to see through: a queue is read by its host."""
BRIEF = {"401"}
"""Those that are believed if they last: a key is renewed within half a minute."""
