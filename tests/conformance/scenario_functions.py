"""The functions that ran on the recorded engine: one orchestrator for each thing that the durable API can do.

This file is copied beside the scenario app's folders, and may import nothing of the project. Each call of an
orchestrator or entity is written down, as text: what the host handed in and what the SDK answered.
"""

import asyncio
import datetime as dt
import json
import threading
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, TypeAlias

import azure.durable_functions as df
import azure.functions as func

Context: TypeAlias = df.DurableOrchestrationContext
Workflow: TypeAlias = Generator[Any, Any, Any]

FOLDER = Path(__file__).parent
_FAST_MOTION = 10  # waits whose length decides nothing are so many times shorter than in the recording
_LONG_AGO = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - the SDK writes it out as UTC
_writing = threading.Lock()


async def http_start(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    _write_down("starters", starter=starter)
    client = df.DurableOrchestrationClient(starter)
    body = req.get_body()
    instance_id = await client.start_new(
        req.route_params["name"], req.params.get("id"), json.loads(body) if body else None
    )
    return client.create_check_status_response(req, instance_id)


async def http_op(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    operation, instance_id = req.route_params["op"], req.route_params["id"]
    if operation == "wait":
        return await client.wait_for_completion_or_create_check_status_response(req, instance_id, 10000, 500)
    try:
        result = await _OPERATIONS[operation](client, instance_id, req)
    except Exception as error:  # noqa: BLE001 - what the SDK raises is what is compared
        return _json({"error": type(error).__name__, "text": str(error)}, status=500)
    return _json({"ok": result})


def _json(content: dict[str, Any], status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(content), status_code=status, mimetype="application/json")


async def _status(client: df.DurableOrchestrationClient, instance_id: str, _: func.HttpRequest) -> Any:
    status = await client.get_status(
        instance_id, show_history=True, show_history_output=True, show_input=True
    )
    return status.to_json()


async def _status_plain(client: df.DurableOrchestrationClient, instance_id: str, _: func.HttpRequest) -> Any:
    status = await client.get_status(instance_id)
    return {
        "instance_id": status.instance_id,
        "status": status.runtime_status.value if status.runtime_status else None,
        "output": status.output,
        "repr": str(status),
    }


async def _all(client: df.DurableOrchestrationClient, _id: str, _: func.HttpRequest) -> Any:
    return [status.to_json() for status in await client.get_status_all()]


async def _completed(client: df.DurableOrchestrationClient, _id: str, _: func.HttpRequest) -> Any:
    wanted = [df.OrchestrationRuntimeStatus.Completed]
    return [status.to_json() for status in await client.get_status_by(runtime_status=wanted)]


async def _raise(client: df.DurableOrchestrationClient, instance_id: str, req: func.HttpRequest) -> Any:
    return await client.raise_event(instance_id, req.params.get("event", "go"), json.loads(req.get_body()))


async def _purge(client: df.DurableOrchestrationClient, instance_id: str, _: func.HttpRequest) -> Any:
    return (await client.purge_instance_history(instance_id)).instances_deleted


async def _purge_completed(client: df.DurableOrchestrationClient, _id: str, _: func.HttpRequest) -> Any:
    wanted = [df.OrchestrationRuntimeStatus.Completed]
    purged = await client.purge_instance_history_by(created_time_from=_LONG_AGO, runtime_status=wanted)
    return purged.instances_deleted


async def _signal(client: df.DurableOrchestrationClient, key: str, req: func.HttpRequest) -> Any:
    body = req.get_body()
    operation = req.params.get("name", "add")
    return await client.signal_entity(
        df.EntityId("counter", key), operation, json.loads(body) if body else None
    )


async def _entity(client: df.DurableOrchestrationClient, key: str, _: func.HttpRequest) -> Any:
    state = await client.read_entity_state(df.EntityId("counter", key))
    return {"exists": state.entity_exists, "state": state.entity_state}


async def _links(client: df.DurableOrchestrationClient, instance_id: str, _: func.HttpRequest) -> Any:
    return client.create_http_management_payload(instance_id)


_OPERATIONS: dict[str, Callable[[Any, str, func.HttpRequest], Awaitable[Any]]] = {
    "status": _status,
    "status-plain": _status_plain,
    "all": _all,
    "by": _completed,
    "raise": _raise,
    "terminate": lambda client, instance_id, _: client.terminate(instance_id, "because"),
    "suspend": lambda client, instance_id, _: client.suspend(instance_id, "pause"),
    "resume": lambda client, instance_id, _: client.resume(instance_id, "go on"),
    "rewind": lambda client, instance_id, _: client.rewind(instance_id, "again"),
    "restart": lambda client, instance_id, _: client.restart(instance_id, False),
    "purge": _purge,
    "purge-by": _purge_completed,
    "signal": _signal,
    "entity": _entity,
    "mgmt": _links,
}


def echo(payload: Any) -> Any:
    return payload


async def slow(payload: Any) -> Any:
    await asyncio.sleep(payload["s"] / _FAST_MOTION)
    return payload


def boom(payload: str) -> str:
    raise ValueError(f"boom {payload}")


def flaky(payload: Any) -> str:
    """Fails the first `fail` times that it is called with a key."""
    calls = FOLDER / f"calls-{payload['key'].replace(':', '-')}"
    before = len(calls.read_text()) if calls.exists() else 0
    with calls.open("a") as file:
        file.write("x")
    if before < payload["fail"]:
        raise RuntimeError(f"flaky {before}")
    return f"ok after {before}"


def o_chain(context: Context) -> Workflow:
    first = yield context.call_activity("echo", "a")
    context.set_custom_status({"step": 1})
    second = yield context.call_activity("echo", {"x": [1, 2, first]})
    now, guid = str(context.current_utc_datetime), str(context.new_guid())
    return [first, second, context.is_replaying, now, guid]


def o_fan(context: Context) -> Workflow:
    return (
        yield context.task_all([context.call_activity("echo", n) for n in range(context.get_input() or 5)])
    )


def o_fan_fail(context: Context) -> Workflow:
    try:
        yield context.task_all([context.call_activity("echo", 1), context.call_activity("boom", "x")])
    except Exception as error:  # noqa: BLE001 - the SDK raises no other
        return str(error)


def o_any(context: Context) -> Workflow:
    timer = context.create_timer(context.current_utc_datetime + dt.timedelta(seconds=2 / _FAST_MOTION))
    activity = context.call_activity("slow", {"s": 6})
    winner = yield context.task_any([timer, activity])
    return "timer" if winner is timer else "slow"


def o_any_cancel(context: Context) -> Workflow:
    timer = context.create_timer(context.current_utc_datetime + dt.timedelta(seconds=60))
    activity = context.call_activity("slow", {"s": 1})
    winner = yield context.task_any([timer, activity])
    if winner is timer:
        return "timer"
    timer.cancel()
    return winner.result


def o_retry(context: Context) -> Workflow:
    payload = {"key": context.instance_id, "fail": 2}
    return (yield context.call_activity_with_retry("flaky", df.RetryOptions(1000, 4), payload))


def o_retry_fail(context: Context) -> Workflow:
    payload = {"key": context.instance_id, "fail": 9}
    return (yield context.call_activity_with_retry("flaky", df.RetryOptions(500, 2), payload))


def o_fan_retry(context: Context) -> Workflow:
    options = df.RetryOptions(500, 3)
    payloads = [{"key": f"{context.instance_id}{n}", "fail": n} for n in range(3)]
    return (yield context.task_all([context.call_activity_with_retry("flaky", options, p) for p in payloads]))


def o_sub(context: Context) -> Workflow:
    unnamed = yield context.call_sub_orchestrator("o-chain", {"p": 1})
    named = yield context.call_sub_orchestrator("o-fan", 2, f"{context.instance_id}:child")
    return [unnamed, named]


def o_sub_fail(context: Context) -> Workflow:
    try:
        yield context.call_sub_orchestrator("o-fail", None)
    except Exception as error:  # noqa: BLE001 - the SDK raises no other
        return f"caught {error}"


def o_event(context: Context) -> Workflow:
    return (yield context.wait_for_external_event("go"))


def o_events(context: Context) -> Workflow:
    timer = context.create_timer(context.current_utc_datetime + dt.timedelta(seconds=30))
    go, stop = context.wait_for_external_event("go"), context.wait_for_external_event("stop")
    winner = yield context.task_any([go, stop, timer])
    if winner is timer:
        return "timeout"
    timer.cancel()
    return "go" if winner is go else "stop"


def o_can(context: Context) -> Workflow:
    generation = context.get_input() or 0
    yield context.call_activity("echo", generation)
    if generation < 3:
        context.continue_as_new(generation + 1)
        return None
    return generation


def o_fail(context: Context) -> Workflow:
    yield context.call_activity("echo", 1)
    raise ValueError("orchestrator failed")


def o_act_fail(context: Context) -> Workflow:
    return (yield context.call_activity("boom", "y"))


def o_entity(context: Context) -> Workflow:
    entity = df.EntityId("counter", context.instance_id)
    added = yield context.call_entity(entity, "add", 5)
    context.signal_entity(entity, "add", 2)
    read = yield context.call_entity(entity, "get")
    return [added, read]


def o_timer(context: Context) -> Workflow:
    yield context.create_timer(context.current_utc_datetime + dt.timedelta(seconds=1))
    return "fired"


def o_none(context: Context) -> Workflow:
    yield context.call_activity("echo", None)


def o_nonreturn(_context: Context) -> str:
    return "plain"


def o_missing(context: Context) -> Workflow:
    return (yield context.call_activity("does-not-exist", 1))


def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    match context.operation_name:
        case "add":
            value += context.get_input()
            context.set_state(value)
            context.set_result(value)
        case "get":
            context.set_result(value)
        case "boom":
            raise ValueError("entity boom")


def recorded_orchestrator(name: str) -> Callable[[Any], str]:
    """The main function of an orchestrator's folder."""
    return _recorded("episodes", name, df.Orchestrator.create(globals()[name.replace("-", "_")]))


def recorded_entity(name: str) -> Callable[[Any], str]:
    """The main function of an entity's folder."""
    return _recorded("entities", name, df.Entity.create(globals()[name]))


def _recorded(kind: str, name: str, call: Callable[[Any], str]) -> Callable[[Any], str]:
    def main(context):  # without a type, since orchestrators and entities get different ones
        try:
            answer = call(context)
        except Exception as error:
            _write_down(kind, name=name, body=context.body, raised=str(error))
            raise
        _write_down(kind, name=name, body=context.body, out=answer)
        return answer

    return main


def _write_down(kind: str, **facts: str) -> None:
    with _writing, (FOLDER / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")
