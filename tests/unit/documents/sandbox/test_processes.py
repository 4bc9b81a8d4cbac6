"""Reader processes: bounded, reused, and no danger to the process that asks."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from shared_code.documents import (
    BrokenDocument,
    DocumentError,
    DocumentLimits,
    DocumentTooLarge,
    ExtractionTimeout,
    ReaderLost,
    extract,
)
from shared_code.documents.chunking import Chunk, chunk
from shared_code.documents.sandbox import close_readers, processes, read_file
from tests.unit import documents_corpus as corpus

SIZES = {"max_tokens": 512, "overlap_tokens": 64}
SLOW = corpus.one_line_json(4_000_000)
# Takes 150 times its size in memory.
LARGE_TREE = b"<b>x</b>" * 200_000
# Keeps its parser busy for longer than any test takes.
ENDLESS: dict[str, Any] = {
    "name": "a.html",
    "data": b"<p " + b" ".join(b"a%d" % number for number in range(200_000)) + b">deep",
}


@pytest.fixture(autouse=True)
def _no_reader_outlives_its_test():
    close_readers()
    yield
    close_readers()


async def read(name: str, data: bytes, limits: DocumentLimits | None = None) -> list[Chunk]:
    return (await read_file(name, data, limits or DocumentLimits(), **SIZES)).chunks


def idle_processes() -> Any:
    return [reader._process for reader in processes._idle]


def environment_of(process) -> bytes:
    return Path(f"/proc/{process.pid}/environ").read_bytes()


async def test_chunks_made_apart_are_those_made_here():
    for name, data in (
        ("a.csv", b"a,b\n1,2\n"),
        ("a.xlsx", corpus.xlsx({"S": corpus.sheet_row(3, {"A": "x"})})),
        ("a.html", "<h1>Überschrift</h1>\u2028 שלום".encode()),
    ):
        assert await read(name, data) == chunk(extract(name, data, DocumentLimits()), **SIZES)


async def test_one_process_reads_many_files_one_after_the_other():
    await read("a.txt", b"one")
    (first,) = idle_processes()
    await read("a.pdf", corpus.pdf(["two"]))
    assert idle_processes() == [first]


async def test_files_are_read_at_once_and_never_mixed_up():
    files = [str(number).encode() * 100 for number in range(30)]
    found = await asyncio.gather(*(read("a.txt", data) for data in files))
    assert [chunks[0].text.encode() for chunks in found] == files


async def test_answer_of_several_parts_is_put_together():
    data = "\n\n".join(f"Paragraph {number} is short." for number in range(9_000)).encode()
    chunks = (await read_file("a.txt", data, DocumentLimits(), max_tokens=32, overlap_tokens=0)).chunks
    assert len(chunks) > 1_000
    assert chunks == chunk(extract("a.txt", data, DocumentLimits()), max_tokens=32, overlap_tokens=0)


async def test_reading_that_takes_too_long_is_ended_by_force():
    with pytest.raises(ExtractionTimeout, match=r"more than 0\.05 seconds"):
        await read("a.json", SLOW, DocumentLimits(seconds=0.05))
    assert idle_processes() == []


async def test_machine_that_is_busy_is_not_the_files_fault():
    """A reader that is stopped stands for one that gets no processor."""
    await read("a.txt", b"one")
    (process,) = idle_processes()
    os.kill(process.pid, signal.SIGSTOP)
    limits = DocumentLimits(seconds=0.2, slowdown=1_000)
    reading = asyncio.create_task(read("a.txt", b"two", limits))
    await asyncio.sleep(2 * limits.seconds)
    os.kill(process.pid, signal.SIGCONT)
    assert (await reading)[0].text == "two"


async def test_file_that_keeps_its_reader_waiting_is_given_up_by_the_clock():
    with pytest.raises(ExtractionTimeout):
        await read(**ENDLESS, limits=DocumentLimits(slowdown=0.01))


async def test_reader_gives_way_to_its_host():
    await read("a.txt", b"one")
    (process,) = idle_processes()
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)


async def test_small_file_may_take_less_time_than_a_large_one():
    with pytest.raises(ExtractionTimeout, match=r"more than 0\.05 seconds"):
        await read("a.json", SLOW, DocumentLimits(least_seconds=0.05, seconds_per_megabyte=0))
    limits = DocumentLimits()
    assert limits.seconds_for(0) < limits.seconds_for(1_000_000) < limits.seconds_for(100_000_000)
    assert limits.seconds_for(100_000_000) == limits.seconds


async def test_reading_that_needs_too_much_memory_is_too_large():
    with pytest.raises(DocumentTooLarge, match="memory"):
        await read("a.html", LARGE_TREE, DocumentLimits(memory_bytes=60_000_000))


async def test_long_page_is_never_held_as_a_whole():
    page = b"<main>" + b"<div><p>Ulm has a <b>quay</b></p></div>" * 125_000
    assert await read("a.html", page, DocumentLimits(memory_bytes=130_000_000))


async def test_next_file_is_read_after_one_that_was_ended():
    with pytest.raises(ExtractionTimeout):
        await read("a.json", SLOW, DocumentLimits(seconds=0.05))
    assert (await read("a.txt", b"still here"))[0].text == "still here"


async def test_limits_of_one_file_do_not_hold_for_the_next():
    with pytest.raises(DocumentTooLarge):
        await read("a.html", LARGE_TREE, DocumentLimits(memory_bytes=60_000_000))
    assert await read("a.html", LARGE_TREE)


async def test_process_that_died_while_idle_fails_no_file():
    await read("a.txt", b"one")
    (process,) = idle_processes()
    os.kill(process.pid, signal.SIGSEGV)
    process.wait()
    assert (await read("a.txt", b"two"))[0].text == "two"


async def test_reader_process_holds_no_environment(monkeypatch):
    monkeypatch.setenv("AzureWebJobsStorage", "a secret")
    await read("a.txt", b"one")
    (process,) = idle_processes()
    assert environment_of(process) == b""


async def test_process_that_read_a_large_file_is_not_kept():
    await read("a.html", 3 * LARGE_TREE)
    assert idle_processes() == []


async def test_event_loop_goes_on_while_a_file_is_read():
    reading = asyncio.create_task(read("a.json", SLOW))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20


async def ended_while_reading(*numbers: int, times: int, name: str = "a.json", data: bytes = SLOW) -> Any:
    """What becomes of a file whose reader processes get signals while they read it."""
    reading = asyncio.create_task(read(name, data))
    ended = set[int]()
    while not reading.done():
        for pid in set(busy_processes()) - ended:
            if len(ended) < times:
                for number in numbers:
                    os.kill(pid, number)
                ended.add(pid)
        await asyncio.sleep(0.01)
    return await reading


def busy_processes() -> list[int]:
    """Readers that have a file, which takes more memory than a reader that has none.

    The test run has other children, its emulators, which must not be taken for readers.
    """
    children = Path("/proc/self/task").glob("*/children")
    pids = [int(pid) for path in children for pid in path.read_text().split()]
    return [pid for pid in pids if is_reader(pid) and resident_bytes(pid) > 60_000_000]


def is_reader(pid: int) -> bool:
    return b"child.serve()" in Path(f"/proc/{pid}/cmdline").read_bytes()


def resident_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_reader_that_is_killed_once_from_outside_fails_no_file():
    assert len(await ended_while_reading(signal.SIGKILL, times=1)) > 1_000


async def test_reader_that_is_killed_from_outside_twice_is_lost_and_no_fault_of_the_file():
    with pytest.raises(ReaderLost) as lost:
        await ended_while_reading(signal.SIGKILL, times=2, **ENDLESS)
    assert not isinstance(lost.value, DocumentError)


async def test_signals_to_the_host_do_not_reach_the_file_that_is_read():
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT
    assert len(await ended_while_reading(*numbers, times=1)) > 1_000


async def test_reader_has_a_session_of_its_own():
    await read("a.txt", b"one")
    (process,) = idle_processes()
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


async def test_parser_that_crashes_once_is_tried_again():
    assert len(await ended_while_reading(signal.SIGSEGV, times=1)) > 1_000


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
async def test_parser_that_crashes_twice_makes_the_file_broken(number):
    with pytest.raises(BrokenDocument, match="crash"):
        await ended_while_reading(number, times=2, **ENDLESS)


async def test_parser_that_aborts_for_want_of_memory_makes_the_file_too_large():
    with pytest.raises(DocumentTooLarge, match="memory"):
        await read("a.xlsx", corpus.understating_xlsx())


async def test_what_parsers_print_is_passed_on_once(capsys):
    with pytest.raises(DocumentTooLarge):
        await read("a.xlsx", corpus.understating_xlsx())
    await read("a.txt", b"one")
    assert capsys.readouterr().err.count("memory allocation of") == 1


async def test_notes_of_a_file_travel_with_its_chunks():
    found = await read_file("a.pdf", corpus.pdf(["Text.", ""]), DocumentLimits(), **SIZES)
    assert [chunk.text for chunk in found.chunks] == ["Text."]
    assert [note.code for note in found.notes] == ["PagesWithoutText"]


async def test_process_ends_when_its_parent_is_gone():
    reader = processes._Reader()
    reader._requests.close()
    assert reader._process.wait() == 0
    reader.close()


async def test_messages_hold_no_path_of_the_machine():
    with pytest.raises(BrokenDocument) as failure:
        await read("/srv/data/a.json", json.dumps([1])[:-1].encode())
    assert "/" not in str(failure.value)
