"""Extraction in a process of its own: bounded, reused, and no danger to the process that asks."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from shared_code.documents import (
    BrokenDocument,
    DocumentTooLarge,
    ExtractionTimeout,
    Limits,
    apart,
    close_readers,
    extract,
    extract_apart,
)
from tests.unit import documents_corpus as corpus

SLOW = corpus.one_line_json(20_000_000)


@pytest.fixture(autouse=True)
def _no_reader_outlives_its_test():
    close_readers()
    yield
    close_readers()


def idle_processes() -> Any:
    return [reader._process for reader in apart._idle]


def environment_of(process) -> bytes:
    return Path(f"/proc/{process.pid}/environ").read_bytes()


async def test_text_read_apart_is_the_text_read_here():
    for name, data in (
        ("a.csv", b"a,b\n1,2\n"),
        ("a.xlsx", corpus.xlsx({"S": corpus.sheet_row(3, {"A": "x"})})),
        ("a.html", "<h1>Überschrift</h1>\u2028 שלום".encode()),
    ):
        assert await extract_apart(name, data, Limits()) == extract(name, data, Limits())


async def test_one_process_reads_many_files_one_after_the_other():
    await extract_apart("a.txt", b"one", Limits())
    (first,) = idle_processes()
    await extract_apart("a.pdf", corpus.pdf(["two"]), Limits())
    assert idle_processes() == [first]


async def test_files_are_read_at_once_and_never_mixed_up():
    files = [str(number).encode() * 1000 for number in range(30)]
    documents = await asyncio.gather(*(extract_apart("a.txt", data, Limits()) for data in files))
    assert [document.segments[0].text.encode() for document in documents] == files


async def test_reading_that_takes_too_long_is_ended_by_force():
    with pytest.raises(ExtractionTimeout, match=r"more than 0\.05 seconds"):
        await extract_apart("a.json", SLOW, Limits(seconds=0.05))
    assert idle_processes() == []


async def test_reading_that_needs_too_much_memory_is_too_large():
    with pytest.raises(DocumentTooLarge, match="memory"):
        await extract_apart("a.json", SLOW, Limits(memory_bytes=100_000_000))


async def test_next_file_is_read_after_one_that_was_ended():
    with pytest.raises(ExtractionTimeout):
        await extract_apart("a.json", SLOW, Limits(seconds=0.05))
    assert (await extract_apart("a.txt", b"still here", Limits())).segments[0].text == "still here"


async def test_limits_of_one_file_do_not_hold_for_the_next():
    with pytest.raises(DocumentTooLarge):
        await extract_apart("a.json", SLOW, Limits(memory_bytes=100_000_000))
    assert (await extract_apart("a.json", SLOW, Limits())).segments


async def test_process_that_died_while_idle_fails_no_file():
    await extract_apart("a.txt", b"one", Limits())
    (process,) = idle_processes()
    os.kill(process.pid, signal.SIGSEGV)
    process.wait()
    assert (await extract_apart("a.txt", b"two", Limits())).segments[0].text == "two"


async def test_reader_process_holds_no_environment(monkeypatch):
    monkeypatch.setenv("AzureWebJobsStorage", "a secret")
    await extract_apart("a.txt", b"one", Limits())
    (process,) = idle_processes()
    assert environment_of(process) == b""


async def test_process_that_read_a_large_file_is_not_kept():
    await extract_apart("a.txt", b"many words " * 7_000_000, Limits())
    assert idle_processes() == []


async def test_event_loop_goes_on_while_a_file_is_read():
    reading = asyncio.create_task(extract_apart("a.json", SLOW, Limits()))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20


async def test_parser_that_crashes_makes_the_file_broken():
    reader = apart._Reader()
    os.kill(reader._process.pid, signal.SIGSEGV)
    with pytest.raises(BrokenDocument, match="crash"):
        reader.ask({"name": "a.txt", "limits": {}}, b"x" * 10_000_000, Limits())
    reader.close()


async def test_process_ends_when_its_parent_is_gone():
    reader = apart._Reader()
    reader._requests.close()
    assert reader._process.wait() == 0
    reader.close()


async def test_messages_hold_no_path_of_the_machine():
    with pytest.raises(BrokenDocument) as failure:
        await extract_apart("/srv/data/a.json", json.dumps([1])[:-1].encode(), Limits())
    assert "/" not in str(failure.value)
