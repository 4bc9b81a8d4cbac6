"""Queue functions on a real queue service: what they get, what becomes of messages, that none is lost."""

import asyncio
import base64
import contextlib
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient

from devhost.engine.clock import SystemClock
from devhost.engine.errors import FunctionFailed
from devhost.errors import BrokenSettings
from devhost.settings.extension_options import QueueOptions
from devhost.settings.host_json import read_host_settings
from devhost.storage.patience import Patience
from devhost.storage.storage_connection import StorageConnection
from devhost.triggers import queue_trigger as queue_trigger_module
from devhost.triggers.queue_trigger import HIDDEN_FOR, QueueTrigger
from local.ports import free_port
from local.settings import ROOT
from tests.devhost.sample_app import http_trigger
from tests.devhost.storage_app import base64_text, fresh_name, queue_trigger, until

WRITES_BODY = """
    from pathlib import Path
    import azure.functions as func
    def main(msg: func.QueueMessage):
        Path("body").write_bytes(msg.get_body())
"""
APPENDS_TEXT = """
    def main(msg: str):
        with open("texts", "a", encoding="utf-8") as file:
            file.write(msg + "\\n")
"""
FAILS = """
    import azure.functions as func
    def main(msg: func.QueueMessage):
        with open("counts", "a") as file:
            file.write(f"{msg.dequeue_count} ")
        raise ValueError("cannot")
"""


@pytest.fixture(autouse=True)
def impatient_polling(app):
    configure(app)


def configure(app, **queues: Any) -> None:
    settings = {"maxPollingInterval": "00:00:00.1", **queues}
    app.file("host.json", {"version": "2.0", "extensions": {"queues": settings}})


async def test_base64_message_arrives_as_the_text_it_stands_for(app, account, start):
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name), code=WRITES_BODY)
    await start()
    await queue.send_message(base64_text("Grüße"))
    await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "body").read_text() == "Grüße"


async def test_message_is_deleted_after_its_function_succeeded(app, account, start):
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name), code=APPENDS_TEXT)
    await start()
    await queue.send_message(base64_text("once"))
    await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "texts").read_text() == "once\n"


async def test_message_tells_its_id_times_count_and_receipt(app, account, start):
    code = """
        import json
        from pathlib import Path
        import azure.functions as func
        def main(msg: func.QueueMessage):
            times = [msg.insertion_time, msg.expiration_time, msg.time_next_visible]
            facts = [msg.id, msg.dequeue_count, msg.pop_receipt, *(t.isoformat() for t in times)]
            Path("facts").write_text(json.dumps(facts))
    """
    queue = await account.new_queue()
    app.function("tell", queue_trigger(queue.queue_name), code=code)
    await start()
    sent = await queue.send_message(base64_text("x"))
    await until(lambda: account.is_empty(queue.queue_name))
    message_id, count, receipt, *times = json.loads((app.root / "facts").read_text())
    inserted, expires, visible = (datetime.fromisoformat(time) for time in times)
    assert (message_id, count) == (sent.id, 1)
    assert receipt
    assert inserted == sent.inserted_on
    assert expires == sent.expires_on
    assert visible > datetime.now(UTC)


async def test_binary_data_type_delivers_bytes(app, account, start):
    code = """
        def main(msg: bytes):
            with open("body", "wb") as file:
                file.write(msg)
    """
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name, dataType="binary"), code=code)
    await start()
    await queue.send_message(base64_text("abc"))
    await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "body").read_text() == "abc"


async def test_plain_messages_are_read_where_host_json_says_no_encoding(app, account, start):
    configure(app, messageEncoding="none")
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name), code=WRITES_BODY)
    await start()
    await queue.send_message("plain & simple")
    await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "body").read_text() == "plain & simple"


@pytest.mark.parametrize("text", ["no base64!", base64.b64encode(b"\xff\xfe").decode()])
async def test_message_that_cannot_be_read_goes_to_the_poison_queue_unchanged(app, account, start, text):
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name), code=WRITES_BODY)
    await start()
    await queue.send_message(text)
    (poisoned,) = await account.arrivals(f"{queue.queue_name}-poison")
    assert poisoned.content == text
    assert not (app.root / "body").exists()
    await until(lambda: account.is_empty(queue.queue_name))


async def test_failing_message_is_tried_five_times_and_then_poisoned(app, account, start):
    queue = await account.new_queue()
    app.function("fail", queue_trigger(queue.queue_name), code=FAILS)
    await start()
    await queue.send_message(base64_text("bad"))
    (poisoned,) = await account.arrivals(f"{queue.queue_name}-poison")
    assert poisoned.content == base64_text("bad")
    assert (app.root / "counts").read_text() == "1 2 3 4 5 "
    await until(lambda: account.is_empty(queue.queue_name))


@pytest.mark.parametrize(("rest", "visible"), [(timedelta(minutes=1), 0), (timedelta(), 1)])
async def test_failing_message_rests_for_the_visibility_timeout(account, rest, visible):
    queue = await account.new_queue()
    await queue.send_message(base64_text("bad"))
    failed = asyncio.Event()

    async def run(*_: Any) -> None:
        failed.set()
        raise FunctionFailed("ValueError: cannot")

    async with listening(queue, run, visibility_timeout=rest):
        await failed.wait()
    assert not await account.is_empty(queue.queue_name)
    assert len(await queue.peek_messages()) == visible


async def test_max_dequeue_count_of_one_tries_once_and_poisons_without_a_rest(app, account, start):
    configure(app, maxDequeueCount=1, visibilityTimeout="00:01:00")
    queue = await account.new_queue()
    app.function("fail", queue_trigger(queue.queue_name), code=FAILS)
    await start()
    await queue.send_message(base64_text("bad"))
    await account.arrivals(f"{queue.queue_name}-poison")
    assert (app.root / "counts").read_text() == "1 "


async def test_two_hundred_messages_arrive_each_once_and_all_are_deleted(app, account, start):
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name), code=APPENDS_TEXT)
    await asyncio.gather(*(queue.send_message(base64_text(f"message {n}")) for n in range(200)))
    await start()
    await until(lambda: account.is_empty(queue.queue_name))
    texts = (app.root / "texts").read_text().splitlines()
    assert sorted(texts) == sorted(f"message {n}" for n in range(200))


async def test_no_more_run_at_once_than_batch_and_threshold_allow(app, account, start):
    code = """
        import asyncio
        from pathlib import Path
        running = most = 0
        async def main(msg: str):
            global running, most
            running += 1
            most = max(most, running)
            Path("most").write_text(str(most))
            await asyncio.sleep(0.01)
            running -= 1
    """
    configure(app, batchSize=2, newBatchThreshold=1)
    queue = await account.new_queue()
    app.function("count", queue_trigger(queue.queue_name), code=code)
    await asyncio.gather(*(queue.send_message(base64_text("x")) for _ in range(20)))
    await start()
    await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "most").read_text() in {"2", "3"}


async def test_missing_queue_is_an_empty_one_until_somebody_creates_it(app, account, start):
    name = fresh_name("late")
    app.function("read", queue_trigger(name), code=WRITES_BODY)
    await start()
    queue = await account.queues.create_queue(name)
    await queue.send_message(base64_text("late"))
    await app.wrote("body")


async def test_queue_name_is_read_from_a_setting(app, account, start, monkeypatch):
    queue = await account.new_queue()
    monkeypatch.setenv("SOURCE_QUEUE", queue.queue_name)
    app.function("read", queue_trigger("%source_queue%"), code=WRITES_BODY)
    await start()
    await queue.send_message(base64_text("x"))
    await app.wrote("body")


@pytest.mark.parametrize("setting", ["Orders", "AzureWebJobsOrders"])
async def test_connection_names_a_setting_with_or_without_prefix(app, account, start, monkeypatch, setting):
    monkeypatch.delenv("AzureWebJobsStorage")
    monkeypatch.setenv(setting, account.connection_string)
    queue = await account.new_queue()
    app.function("read", queue_trigger(queue.queue_name, connection="Orders"), code=WRITES_BODY)
    await start()
    await queue.send_message(base64_text("x"))
    await app.wrote("body")


async def test_missing_connection_is_an_error_of_that_function_alone(app, account, start, caplog):
    app.function("lost", queue_trigger("queue", connection="Nowhere"), code=WRITES_BODY)
    app.http("hello")
    client = await start()
    assert "The 'lost' function is in error: The setting 'Nowhere' is missing" in caplog.text
    assert (await client.get("/api/hello")).status == 200


async def test_missing_setting_in_a_queue_name_is_named(app, account, start, caplog):
    app.function("lost", queue_trigger("%NOT_SET%"), code=WRITES_BODY)
    await start()
    assert "set the app setting NOT_SET" in caplog.text


async def test_disabled_function_leaves_its_messages_alone(app, account, start, monkeypatch):
    monkeypatch.setenv("AzureWebJobs.off.Disabled", "true")
    queue, other = await account.new_queue(), await account.new_queue()
    app.function("off", queue_trigger(queue.queue_name), code=FAILS)
    app.function("on", queue_trigger(other.queue_name), code=WRITES_BODY)
    await start()
    await queue.send_message(base64_text("x"))
    await other.send_message(base64_text("x"))
    await app.wrote("body")
    assert [message.dequeue_count for message in await queue.peek_messages()] == [0]


async def test_storage_that_is_down_is_reported_once_and_polled_until_it_is_back(  # noqa: PLR0917 - fixtures
    app, account, start, monkeypatch, caplog, stack_settings
):
    caplog.set_level(logging.INFO, "devhost")
    port = free_port()
    away = account.connection_string.replace(f":{stack_settings.queue.number}/", f":{port}/")
    monkeypatch.setenv("AzureWebJobsStorage", away)
    queues = [await account.new_queue() for _ in range(2)]
    for number, queue in enumerate(queues):
        app.function(f"read{number}", queue_trigger(queue.queue_name), code=WRITES_BODY)
        await queue.send_message(base64_text("x"))
    await start()
    await until(lambda: logged(caplog, "does not answer"))
    async with forwarded(port, stack_settings.queue.number):
        await app.wrote("body")
    assert logged(caplog, "start the storage emulator") == 1
    assert logged(caplog, "answers again") == 1


async def test_message_stays_hidden_for_as_long_as_its_function_runs(account):
    queue = await account.new_queue()
    await queue.send_message(base64_text("slow"))
    started, done, calls = asyncio.Event(), asyncio.Event(), []

    async def run(*call: Any) -> None:
        calls.append(call)
        started.set()
        await done.wait()

    async with listening(queue, run, hidden_for=timedelta(seconds=1)):
        await started.wait()
        await stays_hidden(queue, timedelta(seconds=2))
        done.set()
        await until(lambda: account.is_empty(queue.queue_name))
    assert len(calls) == 1


async def test_message_cut_off_by_a_stop_is_visible_at_once(account):
    queue = await account.new_queue()
    await queue.send_message(base64_text("slow"))
    started = asyncio.Event()

    async def run(*_: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    async with listening(queue, run, grace=0):
        await started.wait()
    assert [message.dequeue_count for message in await queue.peek_messages()] == [1]


async def test_message_of_a_killed_host_comes_back_when_it_is_no_longer_hidden(app, account, start):
    code = """
        import json, os
        import azure.functions as func
        def main(msg: func.QueueMessage):
            with open("taken.new", "w") as file:
                json.dump([msg.id, msg.pop_receipt, msg.dequeue_count], file)
            os.replace("taken.new", f"taken{msg.dequeue_count}")
            while msg.dequeue_count == 1:
                pass
    """
    queue = await account.new_queue()
    app.function("take", queue_trigger(queue.queue_name), code=code)
    await queue.send_message(base64_text("x"))
    async with killed_at_the_end(app.root):
        await until((app.root / "taken1").exists)
    message_id, receipt, _ = json.loads((app.root / "taken1").read_text())
    assert not await queue.peek_messages()
    await queue.update_message(message_id, receipt, visibility_timeout=0)  # as if its time were over
    await start()
    await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "taken2").exists()


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"batchSize": 33}, "extensions.queues.batchSize is 33: use 1 to 32."),
        ({"maxPollingInterval": "soon"}, 'extensions.queues.maxPollingInterval: "soon" is not a duration'),
        ({"messageEncoding": "utf7"}, "not one of base64, none"),
    ],
)
def test_impossible_queue_options_are_refused_with_their_name(app, section, complaint):
    configure(app, **section)
    with pytest.raises(BrokenSettings, match=complaint):
        read_host_settings(app.root)


def test_threshold_is_half_of_the_batch_unless_set(app):
    configure(app, batchSize=10)
    assert read_host_settings(app.root).queues.new_batch_threshold == 5


def logged(caplog: pytest.LogCaptureFixture, text: str) -> int:
    """How often the host has said something."""
    return sum(text in record.getMessage() for record in caplog.records)


async def stays_hidden(queue: QueueClient, duration: timedelta) -> None:
    """Fails if the queue shows a message meanwhile."""
    end = datetime.now(UTC) + duration

    async def is_over() -> bool:
        assert not await queue.peek_messages()
        return datetime.now(UTC) > end

    await until(is_over)


@contextlib.asynccontextmanager
async def listening(
    queue: QueueClient, run: Any, *, hidden_for: timedelta = HIDDEN_FOR, grace: float = 5, **options: Any
) -> AsyncIterator[None]:
    """A listener without a host around it."""
    connection = StorageConnection(Patience(SystemClock()))
    trigger = QueueTrigger(
        "slow",
        queue.queue_name,
        run,
        properties={},
        connection=connection,
        options=QueueOptions(**options),
        hidden_for=hidden_for,
    )
    trigger.start()
    try:
        yield
    finally:
        await trigger.stop(grace=grace)
        await connection.close()


@contextlib.asynccontextmanager
async def killed_at_the_end(app_dir: Path) -> AsyncIterator[None]:
    """A host in a process of its own, which is killed where the block ends."""
    arguments = [str(app_dir), "--port", str(free_port()), "--memory", "--no-reload"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devhost", *arguments, cwd=ROOT, env=os.environ
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def forwarded(port: int, target: int) -> AsyncIterator[None]:
    """What is sent to a port reaches another."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, away), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_message_that_the_host_itself_puts_into_a_queue_is_taken_at_once(
    app, account, start, monkeypatch
):
    """However long nothing has come: the host knows of it."""
    monkeypatch.setattr(queue_trigger_module, "_SHORTEST_PAUSE", 3600)
    configure(app, maxPollingInterval="01:00:00")
    queue = await account.new_queue()
    output = {"name": "$return", "type": "queue", "direction": "out", "queueName": queue.queue_name.upper()}
    app.function("put", http_trigger(), output, code="def main(req) -> str: return req.params['text']\n")
    app.function("read", queue_trigger(queue.queue_name), code=APPENDS_TEXT)
    client = await start()
    for text in ("one", "two"):
        await client.get(f"/api/put?text={text}")
        await until(lambda: account.is_empty(queue.queue_name))
    assert (app.root / "texts").read_text() == "one\ntwo\n"


async def test_function_for_a_poison_queue_gets_its_message_at_once(app, account, start, monkeypatch):
    monkeypatch.setattr(queue_trigger_module, "_SHORTEST_PAUSE", 3600)
    configure(app, maxPollingInterval="01:00:00", maxDequeueCount=1)
    queue = await account.new_queue()
    app.function("fail", queue_trigger(queue.queue_name), code=FAILS)
    app.function("rescue", queue_trigger(f"{queue.queue_name}-poison"), code=WRITES_BODY)
    await queue.send_message(base64_text("rescued"))
    await start()
    body = app.root / "body"
    assert await until(lambda: body.exists() and body.read_bytes()) == b"rescued"
