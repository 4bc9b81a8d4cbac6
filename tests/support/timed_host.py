"""The app on a host of its own process whose time a test sets: killed, it comes back later on the same state.

    with timed_host(state, environment, months_ago()) as host:
        host.advance(timedelta(hours=3))
        host.kill()
        host.begin(later=timedelta(days=1))

A timer that became due meanwhile is due when the host comes back, as after a night without power.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
    _process: subprocess.Popen[str] | None = None

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
        arguments = ["--port", str(self.port), "--state", str(self.state), "--at", self.now.isoformat()]
        with self.state.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                start_new_session=True,  # the processes that it starts end with it
            )
        self._expect(_READY)

    def advance(self, time: timedelta) -> None:
        """Lets time pass: whatever is due runs at its time; returns when nothing runs any more."""
        self.begin_to_advance(time)
        self._expect(_DONE)

    def begin_to_advance(self, time: timedelta) -> None:
        """Lets time pass without waiting for it: the host is to be killed meanwhile."""
        self.now += time
        assert self._running.stdin
        self._running.stdin.write(f"{time.total_seconds()}\n")

    def settle(self) -> None:
        """Returns when nothing runs any more."""
        self.advance(timedelta())

    def kill(self) -> None:
        """Ends the host as a power cut would."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process = None

    @property
    def _running(self) -> "subprocess.Popen[str]":
        assert self._process, "The host is down."
        return self._process

    def _expect(self, word: str) -> None:
        assert self._running.stdout
        said = self._running.stdout.readline().strip()
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


def main() -> None:
    """The host's process: a line on its input is seconds that are to pass."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--state")
    parser.add_argument("--at", type=datetime.fromisoformat)
    given = parser.parse_args()
    asyncio.run(_serve(HostOptions(ROOT, port=given.port, state=given.state), VirtualClock(given.at)))


async def _serve(options: HostOptions, clock: VirtualClock) -> None:
    time = AppTime()
    time.follow(clock)
    opening.network = Network(clock=time)
    settings = load_settings(options.app_dir)
    set_up_logging(settings.log_levels, options.app_dir)
    app = AppUnderTest(await Host.start(options, settings, clock=clock), clock)
    _say(_READY)
    while seconds := await asyncio.to_thread(sys.stdin.readline):
        await app.advance(timedelta(seconds=float(seconds)))
        _say(_DONE)
    await app.host.stop()


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
