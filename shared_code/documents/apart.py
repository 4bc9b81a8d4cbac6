"""Extraction in processes of its own: a parser that hangs, crashes or eats memory takes no worker with it.

A reader process is started by exec, not by fork, reused, and killed at a file's deadline. It gets no
environment and answers in JSON: what parses untrusted bytes holds no secrets and is not trusted itself.
"""

import asyncio
import atexit
import json
import os
import signal
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from threading import Event, Timer
from typing import IO, Any, cast

from shared_code.documents.document import Document, Limits, Position, Segment
from shared_code.documents.errors import (
    ERRORS,
    BrokenDocument,
    DocumentError,
    DocumentTooLarge,
    ExtractionTimeout,
)

_LENGTH = struct.Struct(">Q")
_PROCESSES = max(1, min(4, os.cpu_count() or 1))
_START = "import sys; sys.path[:] = sys.argv[1:]; from shared_code.documents import child; child.serve()"
# How a process ends that the system refused memory, or that it chose to end for want of it.
_OUT_OF_MEMORY = {-signal.SIGABRT, -signal.SIGKILL}

_threads = ThreadPoolExecutor(_PROCESSES, thread_name_prefix="documents")
_idle: list["_Reader"] = []


async def extract_apart(name: str, data: bytes, limits: Limits) -> Document:
    """Reads the text of one file in another process; files beyond the number of processes wait.

    Raises:
        DocumentError: there is no text to be had, for the reason that its class names.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, _extract, name, data, limits)


def close_readers() -> None:
    """Ends the idle reader processes; the next file starts one again."""
    while _idle:
        _idle.pop().close()


atexit.register(close_readers)


def _extract(name: str, data: bytes, limits: Limits) -> Document:
    reader = _free_reader()
    try:
        answer = reader.ask({"name": name, "limits": asdict(limits)}, data, limits)
    except BaseException:
        reader.close()
        raise
    if answer["worn"]:
        reader.close()
    else:
        _idle.append(reader)
    return _document(answer)


def _free_reader() -> "_Reader":
    while _idle:
        reader = _idle.pop()
        if reader.is_alive():
            return reader
        reader.close()
    return _Reader()


def _document(answer: dict[str, Any]) -> Document:
    if error := answer.get("error"):
        raise ERRORS[error["code"]](error["message"])
    return Document(tuple(map(Segment, answer["texts"], map(Position, *answer["positions"]))))


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

    def ask(self, header: dict[str, Any], data: bytes, limits: Limits) -> dict[str, Any]:
        """Sends one file and returns the answer; the process is gone when this raises."""
        late = Event()
        deadline = Timer(limits.seconds, self._end_late, [late])
        deadline.start()
        try:
            return self._exchange(header, data)
        except (OSError, EOFError) as error:
            raise self._reason(limits, late=late.is_set()) from error
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

    def _exchange(self, header: dict[str, Any], data: bytes) -> dict[str, Any]:
        send(self._requests, json.dumps(header).encode())
        send(self._requests, data)
        answer: dict[str, Any] = json.loads(receive(self._answers))
        return answer

    def _reason(self, limits: Limits, *, late: bool) -> DocumentError:
        if late:
            return ExtractionTimeout(
                f"Reading the file took more than {limits.seconds:g} seconds: split it, or raise the limit."
            )
        if self._process.wait() in _OUT_OF_MEMORY:
            return DocumentTooLarge.past("bytes in memory while it is read", limits.memory_bytes)
        return BrokenDocument("The file makes its parser crash: it is damaged, or made to do so.")


def send(stream: IO[bytes], message: bytes) -> None:
    """Writes one message behind its length."""
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Reads one message.

    Raises:
        EOFError: the other side is gone.
    """
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise EOFError
    message = stream.read(_LENGTH.unpack(length)[0])
    if len(message) < _LENGTH.unpack(length)[0]:
        raise EOFError
    return message
