"""The process that searches, and what is known of it where it is asked.

It is a process of its own for the sake of searches: beside a job that writes, they would wait for its thread
at each step that Python takes, and share its turn on a processor. It is started by the first search, and ends
with whoever has started it.
"""

import subprocess
import sys
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.errors import ServiceError, Unavailable
from local.emulators.cosmos.queries import Asked, Page, Search

_IN_USE_SECONDS = 60.0


class SearchProcess:
    """Answers the searches of a store, to one thread."""

    def __init__(self, file: Path) -> None:
        """Starts nothing yet."""
        self._file = file
        self._used: dict[int, float] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def is_used(self, container: Container) -> bool:
        """Whether a container was searched lately, so that its index is to follow what is written."""
        used = self._used.get(container.number)
        return used is not None and time.monotonic() - used < _IN_USE_SECONDS

    def neglect(self, container: Container) -> None:
        """Lets its index follow no longer: the next search catches up."""
        self._used.pop(container.number, None)

    def page(self, container: Container, asked: Asked) -> Page:
        """A page of results.

        Raises:
            ServiceError: as the search raised it.
            Unavailable: the process has ended over it.
        """
        is_followed = self.is_used(container)
        # From now on: who writes while an index is read for the first time waits, too, or it would lack that.
        self._used[container.number] = time.monotonic()
        found: Page = self._outcome(Search(container, asked, is_followed=is_followed))
        return found

    def follow(self, container: Container) -> bool:
        """Takes some of what was written into the index of a container; whether there may be more of it.

        Raises:
            Unavailable: the process has ended over it.
        """
        return bool(self._outcome(container))

    def close(self) -> None:
        """Lets it end."""
        if self._pipe and self._process:
            self._pipe.close()
            self._process.wait()
            self._pipe = self._process = None

    def _outcome(self, asked: Search | Container) -> Any:
        try:
            pipe = self._pipe or self._start()
            pipe.send(asked)
            outcome = pipe.recv()
        except (EOFError, OSError):
            self._used.clear()
            self.close()
            raise Unavailable("The search has ended before its time: the log says why.") from None
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.emulators.cosmos.searches", str(self._file)],
                stdin=theirs.fileno(),
                # Linux shares the processors out among sessions: searches have a share of their own.
                start_new_session=True,
            )
        self._pipe = ours
        return ours
