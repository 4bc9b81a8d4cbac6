"""What callers may rely on of entities: order, state, answers, failures."""

import json
from collections.abc import Awaitable, Callable

import azure.durable_functions as df
import pytest

from devhost.engine.errors import EntityProtected, UnknownEntity
from devhost.engine.instance import InstanceQuery
from tests.engine.app import App, Hub, output


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.entity
    def counter(context):
        value = context.get_state(lambda: 0)
        if context.operation_name == "add":
            value += context.get_input()
            context.set_state(value)
        elif context.operation_name == "boom":
            raise ValueError("entity boom")
        context.set_result(value)
        if context.operation_name == "delete":
            context.destruct_on_exit()


async def test_call_returns_what_the_operation_put_out(app: App, hub: Hub):
    @app.orchestrator
    def caller(context):
        entity = df.EntityId("counter", "a")
        first = yield context.call_entity(entity, "add", 5)
        second = yield context.call_entity(entity, "add", 2)
        return [first, second]

    assert output(await hub.run("caller")) == [5, 7]


async def test_signals_and_calls_of_one_orchestration_keep_their_order(app: App, hub: Hub):
    @app.orchestrator
    def caller(context):
        entity = df.EntityId("counter", "a")
        for n in range(10):
            context.signal_entity(entity, "add", n)
        total = yield context.call_entity(entity, "get")
        return total

    assert output(await hub.run("caller")) == sum(range(10))


async def test_failed_operation_raises_in_the_caller_and_keeps_the_state(app: App, hub: Hub):
    @app.orchestrator
    def caller(context):
        entity = df.EntityId("counter", "a")
        yield context.call_entity(entity, "add", 5)
        try:
            yield context.call_entity(entity, "boom")
        except Exception as error:  # noqa: BLE001 - the SDK raises nothing more precise
            state = yield context.call_entity(entity, "get")
            return [str(error), state]

    assert output(await hub.run("caller")) == ["entity boom", 5]


@pytest.mark.parametrize(("operation", "exists"), [("boom", True), ("rest", False)])
async def test_failed_first_operation_makes_an_entity_without_a_state(
    app: App, hub: Hub, operation: str, exists: object
):
    @app.entity
    def shy(context):
        if context.operation_name == "boom":
            raise ValueError("boom")

    await hub.signal_entity("shy", "a", operation, None)
    await hub.settle()
    state = await hub.get_entity("shy", "a")
    assert state is not None
    assert (state.exists, state.state) == (exists, "null")


async def test_entity_calls_in_a_fan_out_are_all_answered(app: App, hub: Hub):
    @app.orchestrator
    def caller(context):
        calls = [context.call_entity(df.EntityId("counter", str(n % 3)), "add", 1) for n in range(9)]
        answers = yield context.task_all(calls)
        return sum(answers)

    assert output(await hub.run("caller")) == 3 * (1 + 2 + 3)


async def test_clients_signal_an_entity_and_read_its_state(hub: Hub):
    await hub.signal_entity("Counter", "a", "add", '"3"')
    await hub.settle()
    state = await hub.get_entity("counter", "a")
    assert state is not None
    assert (state.exists, state.state) == (True, "3")


async def test_entity_that_was_never_asked_has_no_state(hub: Hub):
    assert await hub.get_entity("counter", "nobody") is None


async def test_signal_to_an_unknown_entity_is_refused(hub: Hub):
    with pytest.raises(UnknownEntity, match="'nobody'"):
        await hub.signal_entity("nobody", "a", "add", None)


async def test_call_of_an_unknown_entity_fails_the_orchestration(app: App, hub: Hub):
    @app.orchestrator
    def caller(context):
        yield context.call_entity(df.EntityId("nobody", "a"), "add", 1)

    instance = await hub.run("caller")
    assert "The entity function 'nobody' does not exist" in (instance.output or "")


async def test_entities_are_listed_among_the_instances(hub: Hub):
    await hub.signal_entity("counter", "a", "add", '"3"')
    await hub.settle()
    (entity,) = await hub.list_instances(InstanceQuery(id_prefix="@"))
    assert (entity.instance_id, entity.status) == ("@counter@a", "Running")
    assert json.loads(await hub.get_input("@counter@a") or "")["state"] == "3"


async def test_entity_that_answers_no_protocol_tells_its_callers(app: App, hub: Hub):
    app.entities["broken"] = lambda _context: "not json"

    @app.orchestrator
    def caller(context):
        yield context.call_entity(df.EntityId("broken", "a"), "add", 1)

    instance = await hub.run("caller")
    assert instance.status == "Failed"
    assert "Does its main come from df.Entity.create?" in (instance.output or "")


async def test_orchestration_ends_without_waiting_for_its_signals(app: App, hub: Hub):
    @app.orchestrator
    def caller(context):
        context.signal_entity(df.EntityId("counter", "a"), "add", 1)
        return "done"
        yield

    assert output(await hub.run("caller")) == "done"
    state = await hub.get_entity("counter", "a")
    assert state is not None
    assert state.state == "1"


async def test_signal_before_continue_as_new_is_sent(app: App, hub: Hub):
    """As DurableTask.Core does, whose dispatcher keeps the messages of all generations of a work item."""

    @app.orchestrator
    def caller(context):
        rounds = context.get_input()
        context.signal_entity(df.EntityId("counter", "a"), "add", rounds)
        if rounds == 1:
            return "done"
        context.continue_as_new(rounds - 1)
        yield

    assert output(await hub.run("caller", 3)) == "done"
    state = await hub.get_entity("counter", "a")
    assert state is not None
    assert state.state == str(3 + 2 + 1)


async def test_entity_is_purged_only_when_its_own_code_has_deleted_its_state(hub: Hub):
    await hub.signal_entity("counter", "a", "add", '"3"')
    await hub.settle()
    with pytest.raises(EntityProtected, match="Cannot purge @counter@a"):
        await hub.purge("@counter@a")
    await hub.signal_entity("counter", "a", "delete", None)
    await hub.settle()
    await hub.purge("@counter@a")
    assert await hub.get_entity("counter", "a") is None


async def test_orchestration_may_have_an_id_that_begins_like_an_entity(app: App, hub: Hub):
    @app.orchestrator
    def plain(context):
        return "done"
        yield

    for instance_id in ("@x", "@no-entity@x"):
        await hub.begin("plain", instance_id=instance_id)
        await hub.settle()
        assert output(await hub.state_of(instance_id)) == "done"


async def test_entity_passes_over_messages_that_are_no_requests(hub: Hub):
    await hub.signal_entity("counter", "a", "add", '"3"')
    await hub.settle()
    for event, data in (("op", '"no request"'), ("other", "null")):
        await hub.raise_event("@counter@a", event, data)
    await hub.signal_entity("counter", "a", "add", '"4"')
    await hub.settle()
    state = await hub.get_entity("counter", "a")
    assert state is not None
    assert state.state == "7"


async def total_of(hub: Hub) -> str | None:
    """What the counter `a` holds."""
    await hub.settle()
    entity = await hub.get_entity("counter", "a")
    return entity.state if entity else None


@pytest.mark.parametrize(
    "wipe",
    [
        lambda hub: hub.terminate("@counter@a", "enough"),
        lambda hub: hub.purge("@counter@a"),
        lambda hub: hub.suspend("@counter@a", None),
        lambda hub: hub.resume("@counter@a", None),
        lambda hub: hub.restart("@counter@a", new_id=True),
        lambda hub: hub.restart("@counter@a", new_id=False),
        lambda hub: hub.start_orchestration("caller", instance_id="@counter@a"),
        lambda hub: hub.start_orchestration("caller", instance_id="@Counter@not-asked-yet"),
    ],
)
async def test_no_client_wipes_an_entity_or_holds_it_up(hub: Hub, wipe: Callable[[Hub], Awaitable[object]]):
    await hub.signal_entity("counter", "a", "add", '"3"')
    await hub.settle()
    with pytest.raises(EntityProtected, match="Only an operation of the entity itself deletes its state"):
        await wipe(hub)
    assert await hub.purge_by(InstanceQuery()) == 0
    assert await total_of(hub) == "3"
    await hub.signal_entity("counter", "a", "add", '"4"')
    assert await total_of(hub) == "7"
