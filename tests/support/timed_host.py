"""The app on a host of its own process whose time a test sets: killed, it comes back later on the same state.

    with timed_host(state, environment, months_ago()) as host:
        host.advance(timedelta(hours=3))
        host.kill()
        host.begin(later=timedelta(days=1))

A timer that became due meanwhile is due when the host comes back, as after a night without power.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from devhost.engine.clock import VirtualClock
from devhost.host import Host, HostOptions
from devhost.logs import set_up_logging
from devhost.settings.host_json import load_settings
from devhost.testing import AppUnderTest
from local.ports import free_port
from local.settings import ROOT
from shared_code.clients import opening
from shared_code.network import Network
from tests.support.api_client import ApiClient
from tests.support.app_time import AppTime
from tests.support.forking import ForkedProcess

_READY, _DONE = "ready", "done"


@dataclass
class TimedHost:
    """A host that a test can kill, start again and give time.

    Attributes:
        state: its state file.
        environment: of its process; what is changed holds from its next start on.
        now: its time, or what it will be when what it was last told is done.
    """

    state: Path
    environment: dict[str, str]
    now: datetime
    port: int = field(default_factory=free_port)
    _process: ForkedProcess | None = None
    _line: Connection | None = None

    @property
    def api(self) -> ApiClient:
        """A client of the app."""
        return ApiClient(f"http://localhost:{self.port}")

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._running.pid

    def begin(self, *, later: timedelta = timedelta()) -> None:
        """Starts the host, so much later than it ended."""
        self.now += later
        self._line, far_end = Pipe()
        given = far_end, HostOptions(ROOT, port=self.port, state=str(self.state)), self.now
        log = self.state.with_suffix(".log")
        self._process = ForkedProcess(_run, *given, environment=self.environment, log=log)
        far_end.close()
        self._expect(_READY)

    def advance(self, time: timedelta) -> None:
        """Lets time pass: whatever is due runs at its time; returns when nothing runs any more."""
        self.begin_to_advance(time)
        self._expect(_DONE)

    def begin_to_advance(self, time: timedelta) -> None:
        """Lets time pass without waiting for it: the host is to be killed meanwhile."""
        self.now += time
        assert self._line
        self._line.send(time)

    def settle(self) -> None:
        """Returns when nothing runs any more."""
        self.advance(timedelta())

    def kill(self) -> None:
        """Ends the host as a power cut would."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._line:
            self._line.close()
        self._process = self._line = None

    @property
    def _running(self) -> ForkedProcess:
        assert self._process, "The host is down."
        return self._process

    def _expect(self, word: str) -> None:
        assert self._line, "The host is down."
        try:
            said = self._line.recv()
        except EOFError:
            said = None
        assert said == word, f"The host said {said!r}: {self.state.with_suffix('.log').read_text()[-3000:]}"


@contextmanager
def timed_host(state: Path, environment: Mapping[str, str], now: datetime) -> Iterator[TimedHost]:
    """A host that runs at that time, and has ended after the block."""
    host = TimedHost(state, dict(environment), now)
    host.begin()
    try:
        yield host
    finally:
        host.kill()


def _run(line: Connection, options: HostOptions, now: datetime) -> None:
    """The host's process: what is sent to it is time that is to pass."""
    asyncio.run(_serve(line, options, VirtualClock(now)))


async def _serve(line: Connection, options: HostOptions, clock: VirtualClock) -> None:
    time = AppTime()
    time.follow(clock)
    opening.network = Network(clock=time)
    settings = load_settings(options.app_dir)
    set_up_logging(settings.log_levels, options.app_dir)
    app = AppUnderTest(await Host.start(options, settings, clock=clock), clock)
    line.send(_READY)
    while True:
        await app.advance(await asyncio.to_thread(line.recv))
        line.send(_DONE)
