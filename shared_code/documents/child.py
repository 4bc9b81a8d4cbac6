"""The reader process: takes one file after the other from its standard input, until that ends.

It knows nothing but the bytes it is given, and ends itself should nobody be left to do so.
"""

import gc
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from shared_code.documents.apart import receive, send
from shared_code.documents.document import Limits, Position
from shared_code.documents.errors import BrokenDocument, DocumentError, DocumentTooLarge
from shared_code.documents.extraction import extract

# Past the parent's own deadline, for a parent that was killed while this process hangs.
_ORPHAN_SECONDS = 5
# Python gives little memory back: after a large file a fresh process is cheaper than a fat one.
_WORN_BYTES = 150_000_000
_FIELDS = [field.name for field in fields(Position)]


def serve() -> None:
    """Answers until the parent closes the pipe or is gone."""
    # Whatever a parser prints must not end up between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Documents hold no cycles, and searching a large one for them takes longer than reading it.
    gc.disable()
    with suppress(EOFError):
        while True:
            header, data = json.loads(receive(sys.stdin.buffer)), receive(sys.stdin.buffer)
            answer = _answer(header["name"], data, Limits(**header["limits"]))
            send(answers, json.dumps({**answer, "worn": _is_worn()}, ensure_ascii=False).encode())


@contextmanager
def _bounded(limits: Limits) -> Iterator[None]:
    """Memory and time end here at the latest; other systems than Linux count memory in other ways."""
    _bound_memory(limits.memory_bytes)
    signal.alarm(int(limits.seconds) + _ORPHAN_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        _bound_memory(resource.RLIM_INFINITY)


def _bound_memory(most: int) -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def _is_worn() -> bool:
    if sys.platform != "linux":
        return False
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE") > _WORN_BYTES


def _answer(name: str, data: bytes, limits: Limits) -> dict[str, Any]:
    try:
        with _bounded(limits):
            document = extract(name, data, limits)
    except DocumentError as error:
        return _error(error)
    except MemoryError:
        return _error(DocumentTooLarge.past("bytes in memory while it is read", limits.memory_bytes))
    except Exception as error:  # noqa: BLE001 - parsers fail in ways of their own; the log has the whole of it
        traceback.print_exc()
        return _error(BrokenDocument(f"The file cannot be read: {type(error).__name__}."))
    # Columns: a million small lists would keep the garbage collectors of both sides busy for seconds.
    positions = (attrgetter(*_FIELDS)(segment.position) for segment in document.segments)
    return {
        "texts": [segment.text for segment in document.segments],
        "positions": list(zip(*positions, strict=True)),
    }


def _error(error: DocumentError) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": str(error)}}
