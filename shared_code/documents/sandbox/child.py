"""The reader process: takes one file after the other from its standard input, until that ends.

It knows nothing but the bytes it is given, and ends itself should nobody be left to do so.
"""

import gc
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import msgspec

from shared_code.documents import (
    BrokenDocument,
    DocumentError,
    DocumentLimits,
    DocumentTooLarge,
    Note,
)
from shared_code.documents.chunking import Chunk, chunks, count_tokens
from shared_code.documents.extraction import read_segments
from shared_code.documents.sandbox.messages import Failure, Part, Request, receive, send

# Past the parent's own deadline, for a parent that was killed while this process hangs.
_ORPHAN_SECONDS = 5
# What a host answers goes before what its readers read, on a machine that has not enough for both.
_NICENESS = 10
# Python gives little memory back: after a large file a fresh process is cheaper than a fat one.
_WORN_BYTES = 150_000_000
_CHUNKS_PER_PART = 500
_MESSAGES_BYTES = 10_000_000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Request).decode


def serve() -> None:
    """Answers until the parent closes the pipe or is gone."""
    # What is sent to the host, or to all of a terminal, is for the host: it ends its readers.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    _give_way()
    # All that it may write to is the file of its messages.
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MESSAGES_BYTES, _MESSAGES_BYTES))
    # Whatever a parser prints must not end up between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Documents hold no cycles, and searching a large one for them takes longer than reading it.
    gc.disable()
    count_tokens("")  # loads the vocabulary, which is not on the account of any file
    with suppress(EOFError):
        while True:
            request, data = _decode(receive(sys.stdin.buffer)), [receive(sys.stdin.buffer)]
            for part in _answer(request, data):
                send(answers, _encode(part))


def _give_way() -> None:
    os.nice(_NICENESS)
    # Linux may weigh whole sessions against each other, and this process has a session of its own.
    with suppress(OSError):  # elsewhere the niceness of the process is all there is
        Path("/proc/self/autogroup").write_text(str(_NICENESS))


@contextmanager
def _bounded(limits: DocumentLimits, size: int) -> Iterator[None]:
    """Memory and time end here at the latest; other systems than Linux count memory in other ways.

    The time is that of the processor: a busy machine is not the file's fault. Whoever uses it up is ended by
    SIGPROF, and an orphan that hangs without using any by SIGALRM.
    """
    _bound_memory(limits.memory_bytes)
    signal.setitimer(signal.ITIMER_PROF, limits.seconds_for(size))
    signal.alarm(int(limits.clock_seconds_for(size)) + _ORPHAN_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _bound_memory(resource.RLIM_INFINITY)


def _bound_memory(most: int) -> None:
    # What is reserved and never used (RLIMIT_AS) is several times as much.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))


def _is_worn() -> bool:
    if sys.platform != "linux":
        return False
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE") > _WORN_BYTES


def _answer(request: Request, data: list[bytes]) -> Iterator[Part]:
    """The chunks in parts, sent while the file is read, so that few of them are held; then how it ended."""
    notes: list[Note] = []
    failure = None
    try:
        with _bounded(request.limits, len(data[0])):
            found = _read(request, data, notes)
            while part := list(islice(found, _CHUNKS_PER_PART)):
                yield Part(chunks=part, more=True)
    except DocumentError as error:
        failure = error
    except MemoryError:
        failure = DocumentTooLarge.past("bytes in memory while it is read", request.limits.memory_bytes)
    except BaseException as error:  # noqa: BLE001 - parsers fail in ways of their own; a panic is not an Exception
        traceback.print_exc()
        failure = BrokenDocument(f"The file cannot be read: {type(error).__name__}.")
    error_sent = Failure(failure.code, str(failure)) if failure else None
    yield Part(error=error_sent, notes=notes, worn=_is_worn())


def _read(request: Request, data: list[bytes], notes: list[Note]) -> Iterator[Chunk]:
    # Taken out of their list, the bytes are gone once they are decoded: their text takes memory enough.
    segments = read_segments(request.name, data.pop(), request.limits, notes)
    return chunks(segments, max_tokens=request.max_tokens, overlap_tokens=request.overlap_tokens)
