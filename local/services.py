"""Child processes of the local stack: started in a group of their own, awaited, always stopped.

A service is ended by its own process group, never by name: others may run the same program.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.errors import PortTaken, ServiceDied, ServiceSilent
from local.ports import is_free
from local.settings import ROOT, Port

_LOOK = 0.02  # seconds between two looks at whether a service serves


@dataclass(frozen=True)
class Service:
    """What to run, and how to tell that it serves."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str]
    log: Path | None = None
    """Where its output goes; None: to this terminal."""


class Process(Protocol):
    """The process of a service, which leads a group of its own: as `Popen` has it."""

    @property
    def pid(self) -> int:
        """Its id."""

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended; raises `subprocess.TimeoutExpired` if that takes too long."""


class RunningService:
    """A service that was started here."""

    def __init__(self, service: Service, process: Process) -> None:
        self.service = service
        self.process = process

    def wait_until_ready(self, seconds: float) -> None:
        """Waits until the service serves.

        Raises:
            ServiceDied: the service ended by itself.
            ServiceSilent: it does not answer in time.
        """
        deadline = time.monotonic() + seconds
        while not self.service.ready():
            self.check()
            if time.monotonic() > deadline:
                name, hint = self.service.name, _log_hint(self.service.log)
                raise ServiceSilent(f"{name} does not answer after {seconds:.0f} seconds{hint}")
            time.sleep(_LOOK)

    def check(self) -> None:
        """Makes sure that the service has not ended.

        Raises:
            ServiceDied: it has.
        """
        code = self.process.poll()
        if code is not None:
            raise ServiceDied(f"{self.service.name} ended with exit code {code}{_log_hint(self.service.log)}")

    def stop(self, grace: float) -> None:
        """Ends the service: within `grace` seconds if it can, else at once, as for a user in a hurry."""
        try:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends the service as a power cut would."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)


def spawn(service: Service) -> Process:
    """A process that runs the command of `service`."""
    if service.log is None:
        return _popen(service, None)
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with service.log.open("wb") as log:
        return _popen(service, log.fileno())


@contextmanager
def running(
    service: Service, *, seconds: float = 60, grace: float = 15, start: Callable[[Service], Process] = spawn
) -> Iterator[RunningService]:
    """Starts `service`, waits at most `seconds` until it serves, and stops it at the end.

    The grace is longer than the host's own, so that a host is killed only if it hangs.
    """
    print(f"Waiting for {service.name} ...", flush=True)
    started = RunningService(service, start(service))
    try:
        started.wait_until_ready(seconds)
        yield started
    finally:
        started.stop(grace)


def already_runs(name: str, port: Port, answers: Callable[[], bool]) -> bool:
    """Whether the service called `name` is on `port` before us.

    Raises:
        PortTaken: it is another one.
    """
    if is_free(port.number):
        return False
    if answers():
        return True
    raise PortTaken(
        f"Port {port.number} is taken by something that is not {name}: "
        f"stop it, or set {port.variable} to a free port."
    )


def watch(services: Sequence[RunningService]) -> None:
    """Waits until the user ends the stack.

    Raises:
        ServiceDied: a service ends before that.
    """
    while True:
        for service in services:
            service.check()
        time.sleep(0.2)


def _popen(service: Service, output: int | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        service.command,
        cwd=ROOT,
        env=dict(service.environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C reaches us alone, so that we stop services in order
    )


def _log_hint(log: Path | None) -> str:
    if log is None:
        return "; its output is above."
    lines = log.read_text(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f'; it said last: "{last}" (all of it: {log}).' if last else f"; its log {log} is empty."
