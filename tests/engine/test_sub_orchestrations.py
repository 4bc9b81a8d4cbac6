"""What a parent and its sub-orchestrations may rely on of each other."""

import json

import azure.durable_functions as df
import pytest

from tests.engine.app import App, Hub, output


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.orchestrator
    def child(context):
        value = context.get_input()
        result = yield context.call_activity("echo", value)
        return {"child": result}

    @app.orchestrator
    def failing(context):
        yield context.call_activity("echo", 1)
        raise ValueError("child trouble")


async def test_parent_gets_the_result_of_its_child(app: App, hub: Hub):
    @app.orchestrator
    def parent(context):
        result = yield context.call_sub_orchestrator("child", {"n": 1})
        return result

    assert output(await hub.run("parent")) == {"child": {"n": 1}}


async def test_child_can_have_an_id_of_the_parents_choice(app: App, hub: Hub):
    @app.orchestrator
    def parent(context):
        result = yield context.call_sub_orchestrator("child", 1, f"{context.instance_id}:lane:0")
        return result

    instance = await hub.run("parent")
    lane = await hub.state_of(f"{instance.instance_id}:lane:0")
    assert output(lane) == {"child": 1}
    assert lane.parent is not None
    assert lane.parent.instance_id == instance.instance_id


async def test_child_without_an_id_is_named_after_its_parents_execution(app: App, hub: Hub):
    @app.orchestrator
    def parent(context):
        yield context.call_activity("echo", 0)
        yield context.call_sub_orchestrator("child", 1)

    instance = await hub.run("parent")
    assert (await hub.state_of(f"{instance.execution_id}:1")).status == "Completed"


async def test_failure_of_a_child_raises_in_the_parent(app: App, hub: Hub):
    @app.orchestrator
    def parent(context):
        try:
            yield context.call_sub_orchestrator("failing", None)
        except Exception as error:  # noqa: BLE001 - the SDK raises nothing more precise
            return str(error)

    text = output(await hub.run("parent"))
    assert text.startswith(
        "Orchestrator function 'failing' failed: child trouble \n Message: child trouble, StackTrace: "
    )


async def test_terminated_child_fails_the_parents_task_with_the_reason(app: App, hub: Hub):
    @app.orchestrator
    def patient(context):
        yield context.wait_for_external_event("never")

    @app.orchestrator
    def parent(context):
        try:
            yield context.call_sub_orchestrator("patient", None, "the-child")
        except Exception as error:  # noqa: BLE001 - the SDK raises nothing more precise
            return str(error)

    instance_id = await hub.begin("parent")
    await hub.settle()
    await hub.terminate("the-child", "enough")
    await hub.settle()
    assert output(await hub.state_of(instance_id)) == "enough \n None"


async def test_terminating_the_parent_leaves_the_child_running(app: App, hub: Hub):
    @app.orchestrator
    def patient(context):
        yield context.wait_for_external_event("go")

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("patient", None, "the-child")

    instance_id = await hub.begin("parent")
    await hub.settle()
    await hub.terminate(instance_id, "enough")
    await hub.settle()
    assert (await hub.state_of(instance_id)).status == "Terminated"
    assert (await hub.state_of("the-child")).status == "Running"


async def test_child_is_retried_until_it_succeeds(app: App, hub: Hub):
    attempts: list[int] = []

    @app.activity
    def flaky(_value):
        attempts.append(1)
        if len(attempts) < 3:
            raise ConnectionError("down")
        return len(attempts)

    @app.orchestrator
    def fragile(context):
        result = yield context.call_activity("flaky", None)
        return result

    @app.orchestrator
    def parent(context):
        result = yield context.call_sub_orchestrator_with_retry("fragile", df.RetryOptions(1000, 5))
        return result

    assert output(await hub.run("parent")) == 3


async def test_lanes_continue_as_new_while_their_parent_waits(app: App, hub: Hub):
    """The bounded fan-out of long jobs: each lane works through its pages one after another."""

    @app.orchestrator
    def lane(context):
        state = context.get_input()
        page = yield context.task_all([context.call_activity("echo", n) for n in state["pages"][0]])
        total = state["total"] + sum(page)
        if not state["pages"][1:]:
            return total
        context.continue_as_new({"pages": state["pages"][1:], "total": total})

    @app.orchestrator
    def parent(context):
        lanes = [
            context.call_sub_orchestrator(
                "lane", {"pages": [[k, 1], [2, 3]], "total": 0}, f"{context.instance_id}:lane:{k}"
            )
            for k in range(4)
        ]
        totals = yield context.task_all(lanes)
        return totals

    assert output(await hub.run("parent")) == [6, 7, 8, 9]


async def test_child_id_that_is_in_use_fails_the_task(app: App, hub: Hub):
    @app.orchestrator
    def patient(context):
        yield context.wait_for_external_event("go")

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", 1, "taken")

    await hub.begin("patient", instance_id="taken")
    await hub.settle()
    instance = await hub.run("parent")
    assert instance.status == "Failed"
    assert "A sub-orchestration needs an id of its own: 'taken' is in use." in (instance.output or "")


async def test_child_sees_its_input_and_its_parent(app: App, hub: Hub):
    @app.orchestrator
    def curious(context):
        return [context.get_input(), context.parent_instance_id]
        yield

    @app.orchestrator
    def parent(context):
        result = yield context.call_sub_orchestrator("curious", "ünïcode")
        return result

    instance = await hub.run("parent")
    assert output(instance) == ["ünïcode", instance.instance_id]
    started = app.contexts[1]["history"][1]
    assert json.loads(started["Input"]) == '"\\u00fcn\\u00efcode"'
