"""Messages that nobody can see for a while: the host says so, and until when where it knows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient

from devhost.cli import run
from tests.devhost.conftest import Client, StartHost
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import Storage, base64_text, queue_trigger, until

TAKE = "def main(msg):\n    pass\n"
FAIL = "def main(msg):\n    raise ValueError\n"


async def test_message_that_was_sent_with_a_delay_is_told_as_hidden(
    app: SampleApp, start: StartHost, account: Storage
):
    queue = await account.new_queue()
    app.function("take", queue_trigger(queue.queue_name), code=TAKE)
    await queue.send_message(base64_text("later"), visibility_timeout=3600)
    client = await start()
    state = await state_of(client)
    assert (state["waiting"], state["hidden"], state["returning"]) == (1, 1, [])
    assert "holds 1 message that nobody can see now: 1 that was sent with a delay" in state["why"]["sentence"]


async def with_a_failed_message(app: SampleApp, start: StartHost, queue: QueueClient) -> Client:
    """A host whose function has failed for the one message of a queue, which returns in an hour."""
    app.file("host.json", {"version": "2.0", "extensions": {"queues": {"visibilityTimeout": "01:00:00"}}})
    app.function("take", queue_trigger(queue.queue_name), code=FAIL)
    await queue.send_message(base64_text("unlucky"))
    client = await start()

    async def returns() -> bool:
        return bool((await state_of(client))["returning"])

    await until(returns)
    return client


async def state_of(client: Client) -> dict[str, Any]:
    """How the one queue stands."""
    [state] = (await client.get("/admin/queues")).json
    return dict(state)


async def test_message_that_has_failed_is_told_with_the_time_at_which_it_returns(
    app: SampleApp, start: StartHost, account: Storage
):
    client = await with_a_failed_message(app, start, await account.new_queue())
    state = await state_of(client)
    [again] = state["returning"]
    assert (state["waiting"], state["hidden"], state["inHand"], state["poisoned"]) == (1, 1, 0, 0)
    assert timedelta(minutes=59) < datetime.fromisoformat(again) - datetime.now(UTC) < timedelta(hours=1)
    assert state["why"]["until"] == again


async def test_message_that_has_failed_and_was_deleted_is_told_no_more(
    app: SampleApp, start: StartHost, account: Storage
):
    queue = await account.new_queue()
    client = await with_a_failed_message(app, start, queue)
    await queue.clear_messages()
    state = await state_of(client)
    assert (state["waiting"], state["hidden"], state["returning"], state["why"]) == (0, 0, [], None)


async def test_messages_that_have_returned_are_forgotten_though_nobody_asks(
    app: SampleApp, start: StartHost, account: Storage
):
    queue = await account.new_queue()
    app.function("take", queue_trigger(queue.queue_name), code=FAIL)
    client = await start()
    for count in (1, 2, 3):
        await queue.send_message(base64_text("unlucky"))
        await account.arrivals(f"{queue.queue_name}-poison", count)
    [trigger] = client.host._triggers._queues
    assert len(trigger._returning) <= 1


async def test_message_in_hand_is_not_told_as_hidden(app: SampleApp, start: StartHost, account: Storage):
    queue = await account.new_queue()
    code = """
        import asyncio, pathlib
        async def main(msg):
            pathlib.Path("begun").touch()
            await asyncio.sleep(60)
    """
    app.function("take", queue_trigger(queue.queue_name), code=code)
    await queue.send_message(base64_text("long"))
    client = await start()
    await app.wrote("begun")
    state = await state_of(client)
    assert (state["waiting"], state["inHand"], state["hidden"], state["why"]) == (1, 1, 0, None)


async def test_message_in_hand_of_another_function_of_the_queue_is_not_told_as_hidden(
    app: SampleApp, start: StartHost, account: Storage
):
    queue = await account.new_queue()
    code = """
        import asyncio, pathlib
        async def main(msg):
            pathlib.Path(msg.get_body().decode()).touch()
            await asyncio.sleep(60)
    """
    for name in ("one", "other"):
        app.function(name, queue_trigger(queue.queue_name), code=code)
    client = await start()
    for text in ("first", "second"):
        await queue.send_message(base64_text(text))
        await app.wrote(text)
    states = (await client.get("/admin/queues")).json
    assert sum(state["inHand"] for state in states) == 2
    assert [(state["waiting"], state["hidden"], state["why"]) for state in states] == [(2, 0, None)] * 2


async def test_why_tells_of_hidden_messages_beside_those_who_wait_for_an_event(
    app: SampleApp, start: StartHost, account: Storage, capsys: pytest.CaptureFixture[str]
):
    queue = await account.new_queue()
    app.function("take", queue_trigger(queue.queue_name), code=TAKE)
    app.orchestrator("waits", "yield context.wait_for_external_event('go')\n")
    app.orchestrator("sleeps", "import datetime\nyield context.create_timer(datetime.datetime(2999, 1, 1))\n")
    await queue.send_message(base64_text("later"), visibility_timeout=3600)
    client = await start()
    for name in ("waits", "sleeps"):
        await client.host.hub.start_orchestration(name, instance_id=name)
    await client.host.hub.settle()

    async def why(*arguments: str) -> str:
        await asyncio.to_thread(run, ["why", *arguments, "--host", f"localhost:{client.host.port}"])
        return capsys.readouterr().out

    hidden = f"The queue '{queue.queue_name}' holds 1 message"
    assert f"queue {queue.queue_name}\n  {hidden}" in await why()
    assert hidden in " ".join((await why("waits")).split())
    assert hidden not in " ".join((await why("sleeps")).split())
