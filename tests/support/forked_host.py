"""A host that need not import what it runs: its process is forked from one that has done so.

It is as real as any other, with a group, an environment and a log of its own, and a test may kill it. What a
start from nothing does, the tests of the command lines show.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.services import Service
from local.settings import ROOT

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["devhost.cli", "tests.support.app_modules"])


class ForkedProcess:
    """The process of a service whose command is `python -m devhost ...`."""

    def __init__(self, service: Service) -> None:
        python, option, module, *arguments = service.command
        assert (python, option, module) == (sys.executable, "-m", "devhost")
        assert service.log
        self._process = _forks.Process(
            target=_serve, args=(arguments, dict(service.environment), service.log)
        )
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
            raise subprocess.TimeoutExpired("devhost", timeout or 0)
        return self._process.exitcode


def _serve(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Makes the forked process what a started one is."""
    from devhost.cli import run  # noqa: PLC0415 - it is there in the process that was forked, and only there

    os.setsid()
    with log.open("wb") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(run([*arguments]))
