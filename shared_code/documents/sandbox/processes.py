"""Reader processes: a parser that hangs, crashes or eats memory takes no worker with it, and holds up none.

A reader process is started by exec, not by fork, reused, and killed at a file's deadline. It gets no
environment and answers in JSON: what parses untrusted bytes holds no secrets and is not trusted itself.
"""

import asyncio
import atexit
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Timer
from typing import IO, cast

import msgspec

from shared_code.documents import (
    ERRORS,
    BrokenDocument,
    DocumentError,
    DocumentTooLarge,
    ExtractionTimeout,
    Limits,
)
from shared_code.documents.chunking import Chunk
from shared_code.documents.sandbox.messages import Part, Request, receive, send

_PROCESSES = max(1, min(4, os.cpu_count() or 1))
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from shared_code.documents.sandbox import child; child.serve()"
)
# How a process ends that the system refused memory, or that it chose to end for want of it.
_OUT_OF_MEMORY = {-signal.SIGABRT, -signal.SIGKILL}

_decode = msgspec.json.Decoder(Part).decode
_threads = ThreadPoolExecutor(_PROCESSES, thread_name_prefix="readers")
_idle: list["_Reader"] = []


async def read_chunks(
    name: str, data: bytes, limits: Limits, *, max_tokens: int, overlap_tokens: int
) -> list[Chunk]:
    """Reads the text of one file and cuts it; files beyond the number of processes wait.

    Raises:
        DocumentError: there is no text to be had, for the reason that its class names.
    """
    request = Request(name, limits, max_tokens, overlap_tokens)
    return await asyncio.get_running_loop().run_in_executor(_threads, _read, request, data)


def close_readers() -> None:
    """Ends the idle reader processes; the next file starts one again."""
    while _idle:
        _idle.pop().close()


atexit.register(close_readers)


def _read(request: Request, data: bytes) -> list[Chunk]:
    reader = _free_reader()
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
    return chunks


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
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter itself, and no argument from outside
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
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
        deadline = Timer(seconds, self._end_late, [late])
        deadline.start()
        try:
            return self._exchange(request, data)
        except (OSError, EOFError) as error:
            if late.is_set():
                raise ExtractionTimeout.past(seconds) from error
            raise self._reason(request.limits) from error
        finally:
            deadline.cancel()
            deadline.join()

    def is_alive(self) -> bool:
        """Whether nothing has ended the process while it was idle."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
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

    def _reason(self, limits: Limits) -> DocumentError:
        if self._process.wait() in _OUT_OF_MEMORY:
            return DocumentTooLarge.past("bytes in memory while it is read", limits.memory_bytes)
        return BrokenDocument("The file makes its parser crash: it is damaged, or made to do so.")
