"""Hosts that need not import what they run: their processes are forked from one that has done so.

They are as real as any other, with a group, an environment and a log of their own, and a test may kill them.
What a start from nothing does, the tests of the command lines show.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.services import Service
from local.settings import ROOT

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["devhost.cli", "devhost.testing", "tests.support.app_modules"])


class ForkedProcess:
    """A process that calls a function of a module; it has what `Popen` has."""

    def __init__(
        self, run: Callable[..., object], *arguments: Any, environment: Mapping[str, str], log: Path
    ) -> None:
        given = run, arguments, dict(environment), log
        self._process = _forks.Process(target=_call, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return self._process.exitcode


def forked_host(service: Service) -> ForkedProcess:
    """The process of a service whose command is `python -m devhost ...`."""
    python, option, module, *arguments = service.command
    assert (python, option, module) == (sys.executable, "-m", "devhost")
    assert service.log
    return ForkedProcess(_run_host, arguments, environment=service.environment, log=service.log)


def _run_host(arguments: list[str]) -> None:
    from devhost.cli import run  # noqa: PLC0415 - the process of the tests need not import it

    sys.exit(run(arguments))


def _call(
    run: Callable[..., object], arguments: tuple[Any, ...], environment: dict[str, str], log: Path
) -> None:
    """Makes the forked process what a started one is, and calls."""
    os.setsid()
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    run(*arguments)
