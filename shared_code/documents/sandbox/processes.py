"""Reader processes: a parser that hangs, crashes or eats memory takes no worker with it, and holds up none.

A reader process is started by exec, not by fork, reused, and ended when a file has used up its time. It has
a session of its own, gets no environment and answers in JSON: what parses untrusted bytes holds no secrets
and is not trusted itself. How it ended tells whose fault that was: the file's, or nobody's whom a file knows.
"""

import asyncio
import atexit
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryFile
from threading import Event, Timer
from typing import IO, cast

import msgspec

from shared_code.documents import (
    ERRORS,
    BrokenDocument,
    DocumentLimits,
    DocumentTooLarge,
    ExtractionTimeout,
    Note,
    ReaderLost,
)
from shared_code.documents.chunking import Chunk
from shared_code.documents.sandbox.messages import Part, Request, receive, send

_PROCESSES = max(1, min(4, os.cpu_count() or 1))
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from shared_code.documents.sandbox import child; child.serve()"
)
# What a process does not do to itself: the system, which is out of memory, does it, or an operator.
_FROM_OUTSIDE = {
    -number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
}
# How the parsers' runtimes (Rust, C++, Python) say that they were refused memory, before they abort.
_OUT_OF_MEMORY = re.compile(
    rb"memory allocation of \d+ bytes failed|bad_alloc|out of memory|MemoryError", re.IGNORECASE
)
# Others say nothing; but then they hold most of what is allowed.
_LARGE_SHARE = 0.5
_ATTEMPTS = 2
_SECONDS_TO_END = 5
_RESIDENT_UNIT = 1 if sys.platform == "darwin" else 1024

_decode = msgspec.json.Decoder(Part).decode
_threads = ThreadPoolExecutor(_PROCESSES, thread_name_prefix="readers")
_idle: list["_Reader"] = []


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The chunks of a file, and what is to be said of what was not read of it."""

    chunks: list[Chunk]
    notes: Sequence[Note]


class _ReaderCrashed(Exception):
    """The reader process ended itself."""


async def read_file(
    name: str, data: bytes, limits: DocumentLimits, *, max_tokens: int, overlap_tokens: int
) -> ReadFile:
    """Reads the text of one file and cuts it; files beyond the number of processes wait.

    Raises:
        DocumentError: there is no text to be had, for the reason that its class names.
        ReaderLost: the process was ended from outside; the file may well be read another time.
    """
    request = Request(name, limits, max_tokens, overlap_tokens)
    return await asyncio.get_running_loop().run_in_executor(_threads, _read, request, data)


def close_readers() -> None:
    """Ends the idle reader processes; the next file starts one again."""
    while _idle:
        _idle.pop().close()


atexit.register(close_readers)


def _read(request: Request, data: bytes) -> ReadFile:
    """Reads a file, again in a fresh process where the first one was lost or crashed."""
    ends = Counter[type[Exception]]()
    while True:
        try:
            return _read_with(_Reader() if ends else _free_reader(), request, data)
        except (ReaderLost, _ReaderCrashed) as end:
            ends[type(end)] += 1
            if ends[type(end)] < _ATTEMPTS:
                continue
            if isinstance(end, ReaderLost):
                raise
            raise BrokenDocument("The file makes its parser crash: it is damaged, or made to do so.") from end


def _read_with(reader: "_Reader", request: Request, data: bytes) -> ReadFile:
    try:
        chunks, last = reader.ask(request, data)
    except BaseException:
        reader.close()
        raise
    if last.worn:
        reader.close()
    else:
        _idle.append(reader)
    if last.error:
        raise ERRORS[last.error.code](last.error.message)
    return ReadFile(chunks, last.notes)


def _free_reader() -> "_Reader":
    while _idle:
        reader = _idle.pop()
        if reader.is_alive():
            return reader
        reader.close()
    return _Reader()


class _Reader:
    """One reader process; it serves one file at a time."""

    def __init__(self) -> None:
        self._messages = TemporaryFile()  # noqa: SIM115 - closed with the process
        self._held_at_start = getrusage(RUSAGE_SELF).ru_maxrss * _RESIDENT_UNIT
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter itself, and no argument from outside
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            start_new_session=True,
            env={},
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def ask(self, request: Request, data: bytes) -> tuple[list[Chunk], Part]:
        """Sends one file and returns its chunks and the last part of the answer.

        When this raises, the process is of no more use.
        """
        late = Event()
        seconds = request.limits.seconds_for(len(data))
        deadline = Timer(request.limits.clock_seconds_for(len(data)), self._end_late, [late])
        deadline.start()
        try:
            return self._exchange(request, data)
        except (OSError, EOFError) as error:
            deadline.cancel()
            deadline.join()
            if late.is_set():
                raise ExtractionTimeout.past(seconds) from error
            raise self._reason(request.limits, seconds) from error
        finally:
            deadline.cancel()
            deadline.join()
            self._pass_on_messages()

    def is_alive(self) -> bool:
        """Whether nothing has ended the process while it was idle."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        self._messages.close()
        self._answers.close()
        with suppress(BrokenPipeError):  # of what was not sent any more
            self._requests.close()

    def _end_late(self, late: Event) -> None:
        late.set()
        self._process.kill()

    def _exchange(self, request: Request, data: bytes) -> tuple[list[Chunk], Part]:
        send(self._requests, msgspec.json.encode(request))
        send(self._requests, data)
        chunks: list[Chunk] = []
        while True:
            part = _decode(receive(self._answers))
            chunks += part.chunks
            if not part.more:
                return chunks, part

    def _reason(self, limits: DocumentLimits, seconds: float) -> Exception:
        """Why the process ended while it read a file."""
        code, most_resident = self._end()
        if code in _FROM_OUTSIDE:
            return ReaderLost()
        if code in {-signal.SIGPROF, -signal.SIGALRM}:
            return ExtractionTimeout.past(seconds)
        # A process counts what the one held that started it.
        is_large = most_resident > max(_LARGE_SHARE * limits.memory_bytes, self._held_at_start)
        if is_large or _OUT_OF_MEMORY.search(self._printed()):
            return DocumentTooLarge.past("bytes in memory while it is read", limits.memory_bytes)
        return _ReaderCrashed(code)

    def _end(self) -> tuple[int, int]:
        """How a process ended that has closed its pipe, and the most bytes of memory that it held."""
        until = time.monotonic() + _SECONDS_TO_END
        while True:
            # In place of Popen.wait, which does not tell the memory.
            ended, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if ended:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return self._process.returncode, usage.ru_maxrss * _RESIDENT_UNIT
            if time.monotonic() > until:
                os.kill(self._process.pid, signal.SIGSEGV)
            time.sleep(0.01)

    def _printed(self) -> bytes:
        """What parsers have printed while the file was read."""
        number = self._messages.fileno()
        return os.pread(number, os.fstat(number).st_size, 0)

    def _pass_on_messages(self) -> None:
        """Into the log, for whoever maintains the parsers."""
        if printed := self._printed():
            sys.stderr.write(printed.decode(errors="replace"))
            # The process goes on at the same place, since it has the same open file.
            self._messages.seek(0)
            self._messages.truncate()
