"""The HTTP API of the Durable extension over a task hub: what the SDK's client and the management links call.

Codes, bodies and headers are those of section 2 of the protocol notes. Keys are not asked for.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from aiohttp import web

from devhost.app.routes import RouteTemplate
from devhost.engine.dotnet_json import parse, to_dotnet_json, to_json
from devhost.engine.entity import EntityState
from devhost.engine.errors import (
    EntityProtected,
    InstanceAlreadyExists,
    InstanceEnded,
    InstanceNotEnded,
    InstanceNotFound,
    InvalidTransition,
    UnknownEntity,
)
from devhost.engine.history import format_time
from devhost.engine.instance import Instance, InstanceQuery, RuntimeStatus
from devhost.engine.task_hub import TaskHub
from devhost.web.client_binding import check_status_links
from devhost.web.history_view import history_events, parse_stored, with_start_times, written
from devhost.web.http_request import query_of
from devhost.web.management_call import (
    BadQuery,
    Call,
    continuation,
    error_answer,
    json_answer,
    json_error,
    text_answer,
)
from devhost.why.gather import why

logger = logging.getLogger(__name__)

_INVALID_JSON = "Invalid JSON content"
_EMPTY_KEY = "$"  # stands for an entity's empty key
_FIRST = "\0"  # sorts before every id
# Valid names of the protocol that no instance of this engine ever has.
_NEVER_REACHED = frozenset({"Canceled", "ContinuedAsNew"})


Handler: TypeAlias = Callable[[Call], Awaitable[web.Response]]


class ManagementApi:
    """Answers requests below the API's root."""

    def __init__(self, hub: TaskHub, *, hub_name: str) -> None:
        self._hub = hub
        self._hub_name = hub_name
        routes: list[tuple[str, str, Handler]] = [
            ("POST", "orchestrators/{name}/{id?}", self._start),
            ("GET", "instances", self._list),
            ("DELETE", "instances", self._purge_by),
            ("GET", "instances/{id}", self._status),
            ("GET", "instances/{id}/why", self._why),
            ("DELETE", "instances/{id}", self._purge),
            ("POST", "instances/{id}/raiseEvent/{event}", self._raise_event),
            ("POST", "instances/{id}/terminate", self._terminate),
            ("POST", "instances/{id}/suspend", self._suspend),
            ("POST", "instances/{id}/resume", self._resume),
            ("POST", "instances/{id}/rewind", self._rewind),
            ("POST", "instances/{id}/restart", self._restart),
            ("GET", "entities/{name?}", self._list_entities),
            ("GET", "entities/{name}/{key}", self._read_entity),
            ("POST", "entities/{name}/{key}", self._signal_entity),
            ("DELETE", "entities/{name}/{key}", self._delete_entity),
        ]
        self._routes = [(method, RouteTemplate.parse(text), handler) for method, text, handler in routes]

    async def handle(self, request: web.Request, path: Sequence[str]) -> web.Response:
        """Answers a request; `path` is what follows the API's root."""
        query = {name.lower(): value for name, value in query_of(request).items()}
        for method, template, handler in self._routes:
            route = template.match(path)
            if route is not None and method == request.method:
                return await self._answer(handler, Call(request, route, query))
        return web.Response(status=404)

    async def _answer(self, handler: Handler, call: Call) -> web.Response:
        try:
            return await handler(call)
        except InstanceNotFound:
            return web.Response(status=404)
        except InstanceEnded:
            return web.Response(status=410)
        except EntityProtected as error:
            return json_answer({"Message": str(error)}, status=409)
        except BadQuery as error:
            return json_answer({"Message": str(error)}, status=400)
        except InvalidTransition as error:
            return error_answer(500, "Something went wrong while processing your request", error)
        except Exception as error:
            logger.exception("%s %s failed", call.request.method, call.request.raw_path)
            return error_answer(500, "Something went wrong while processing your request", error)

    async def _start(self, call: Call) -> web.Response:
        text = await call.text()
        if text and (error := json_error(text)):
            return error_answer(400, _INVALID_JSON, error)
        try:
            instance_id = await self._hub.start_orchestration(
                call.route["name"],
                instance_id=call.route.get("id"),
                input_text=text or None,
                version=call.query.get("version"),
            )
        except InstanceAlreadyExists as error:
            return json_answer({"Message": str(error)}, status=409)
        return await self._started(call, instance_id)

    async def _started(self, call: Call, instance_id: str) -> web.Response:
        timeout, interval = call.seconds("timeout"), call.seconds("pollingInterval")
        if timeout is not None and interval is not None:
            if interval > timeout:
                message = f"Total timeout {timeout:g} should be bigger than retry timeout {interval:g}"
                return json_answer({"Message": message}, status=400)
            instance = await self._wait_for_end(instance_id, timeout, interval)
            if instance is not None and instance.status is RuntimeStatus.COMPLETED:
                return json_answer(parse_stored(instance.output))
            if instance is not None and instance.status.is_terminal:
                return await self._status_of(call, instance_id, may_be_500=False)
        links = check_status_links(instance_id, origin=call.origin, hub_name=self._hub_name)
        return json_answer(
            links, status=202, headers={"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        )

    async def _wait_for_end(self, instance_id: str, seconds: float, interval: float) -> Instance | None:
        deadline = time.monotonic() + seconds
        while True:
            instance = await self._hub.get_instance(instance_id)
            left = deadline - time.monotonic()
            if instance is None or instance.status.is_terminal or left <= 0:
                return instance
            await asyncio.sleep(min(max(interval, 0), left))

    async def _status(self, call: Call) -> web.Response:
        return await self._status_of(call, call.instance_id)

    async def _why(self, call: Call) -> web.Response:
        """Why an instance has not ended: an addition of this host's own; null where it has."""
        found = await why(self._hub, call.instance_id)
        return json_answer(found and found.to_json())

    async def _status_of(self, call: Call, instance_id: str, *, may_be_500: bool = True) -> web.Response:
        show_input = call.flag("showInput", default=True)
        if show_input:
            instance, input_text = await self._hub.get_with_input(instance_id)
        else:
            instance, input_text = await self._hub.get_instance(instance_id), None
        if instance is None:
            return web.Response(status=404)
        body = _status_body(instance)
        if call.flag("showRecordedHistory"):  # of this host alone, as the SDK gets it
            body["recordedHistory"] = await self._hub.get_history(instance.instance_id)
        if call.flag("showHistory") and instance.status is not RuntimeStatus.PENDING:
            history = await self._hub.get_history(instance.instance_id)
            if call.flag("showStartTimes"):  # of this host alone: the real one takes no notice of it
                starts = await self._hub.get_activity_starts(instance.instance_id)
                history = with_start_times(history, starts)
            show_output = call.flag("showHistoryOutput")
            body["historyEvents"] = history_events(history, show_input=show_input, show_output=show_output)
        text = _status_text(body, instance, input_text)
        if not instance.status.is_terminal:
            location = f"{call.origin}{call.request.raw_path}"
            return text_answer(text, status=202, headers={"Location": location, "Retry-After": "5"})
        failed = may_be_500 and instance.status is RuntimeStatus.FAILED
        return text_answer(
            text, status=500 if failed and call.flag("returnInternalServerErrorOnFailure") else 200
        )

    async def _list(self, call: Call) -> web.Response:
        statuses, matches_none = _statuses(call)
        if matches_none:
            return json_answer([], headers=continuation(None))
        query = InstanceQuery(
            created_from=call.time("createdTimeFrom"),
            created_to=call.time("createdTimeTo"),
            id_prefix=call.query.get("instanceidprefix", ""),
            statuses=statuses,
        )
        found, headers = await self._page(call, query)
        ids = [instance.instance_id for instance in found]
        inputs = await self._hub.get_inputs(ids) if call.flag("showInput", default=True) else {}
        texts = (_status_text(_status_body(one), one, inputs.get(one.instance_id)) for one in found)
        return text_answer(f"[{','.join(texts)}]", headers=headers)

    async def _page(self, call: Call, query: InstanceQuery) -> tuple[list[Instance], dict[str, str]]:
        """A page of instances, and the header that leads to the next one."""
        top = call.page_size
        found = await self._hub.list_instances(query, top=top + 1, after=call.after)
        last = found[:top][-1].instance_id if found[:top] else call.after or _FIRST
        return found[:top], continuation(last if len(found) > top else None)

    async def _raise_event(self, call: Call) -> web.Response:
        instance = await self._hub.get_instance(call.instance_id)
        if instance is None:
            return web.Response(status=404)
        text = await call.text()
        if call.is_json and (error := json_error(text)):
            return error_answer(400, _INVALID_JSON, error)
        if instance.status.is_terminal:
            return web.Response(status=410)
        if not call.is_json:
            return json_answer({"Message": "Only application/json request content is supported"}, status=400)
        await self._hub.raise_event(call.instance_id, call.route["event"], to_dotnet_json(parse(text)))
        return web.Response(status=202)

    async def _terminate(self, call: Call) -> web.Response:
        await self._hub.terminate(call.instance_id, call.query.get("reason"))
        return web.Response(status=202)

    async def _suspend(self, call: Call) -> web.Response:
        await self._hub.suspend(call.instance_id, call.query.get("reason"))
        return web.Response(status=202)

    async def _resume(self, call: Call) -> web.Response:
        await self._hub.resume(call.instance_id, call.query.get("reason"))
        return web.Response(status=202)

    async def _rewind(self, call: Call) -> web.Response:
        instance = await self._hub.get_instance(call.instance_id)
        if instance is None:
            # The dollar sign is in the extension's text.
            return json_answer(f'No orchestration with instance ID "${call.instance_id}" found.', status=404)
        if instance.status is not RuntimeStatus.FAILED:
            status = instance.status
            message = f'This orchestration has status {status}, but only orchestrations in the "Failed" state'
            return json_answer(f"{message} can be rewound.", status=412)
        await self._hub.rewind(call.instance_id, call.query.get("reason"))
        return web.Response(status=202)

    async def _restart(self, call: Call) -> web.Response:
        new_id = call.flag("restartWithNewInstanceId", default=True)
        try:
            instance_id = await self._hub.restart(call.instance_id, new_id=new_id)
        except InstanceNotFound as error:
            text = f"An orchestrastion with the instanceId {call.instance_id} was not found."  # so written
            message = "InstanceId does not match a valid orchestration instance."
            return error_answer(400, message, error, text=text)
        except InstanceAlreadyExists as error:
            return error_answer(409, "A non-terminal instance with this instance ID already exists.", error)
        return await self._started(call, instance_id)

    async def _purge(self, call: Call) -> web.Response:
        try:
            await self._hub.purge(call.instance_id)
        except InstanceNotEnded as error:
            message = "Only orchestrations in a terminal state can be purged"
            detail = f"but the orchestration with instance ID {call.instance_id} has status {error.status}"
            return json_answer(f"{message}, {detail}", status=412)
        return json_answer({"instancesDeleted": 1})

    async def _purge_by(self, call: Call) -> web.Response:
        created_from = call.time("createdTimeFrom")
        if created_from is None:
            return json_answer("Please provide value for 'createdTimeFrom' parameter.", status=400)
        statuses, matches_none = _statuses(call)
        query = InstanceQuery(
            created_from=created_from,
            created_to=call.time("createdTimeTo"),
            statuses=statuses,
        )
        purged = 0 if matches_none else await self._hub.purge_by(query)
        return json_answer({"instancesDeleted": purged}) if purged else web.Response(status=404)

    async def _list_entities(self, call: Call) -> web.Response:
        name = call.route.get("name", "").lower()
        query = InstanceQuery(
            created_from=call.time("lastOperationTimeFrom"),
            created_to=call.time("lastOperationTimeTo"),
            id_prefix=f"@{name}@" if name else "@",
        )
        found, headers = await self._page(call, query)
        inputs = await self._hub.get_inputs([entity.instance_id for entity in found if entity.is_entity])
        states = {instance_id: EntityState.of(stored) for instance_id, stored in inputs.items()}
        fetch_state = call.flag("fetchState")
        return json_answer(
            [
                _entity_body(entity, state.state if fetch_state else None)
                for entity in found
                if (state := states.get(entity.instance_id)) and state.exists
            ],
            headers=headers,
        )

    async def _read_entity(self, call: Call) -> web.Response:
        key = call.route["key"]
        entity = await self._hub.get_entity(call.route["name"], "" if key == _EMPTY_KEY else key)
        if entity is None or not entity.exists:
            return web.Response(status=404)
        return json_answer(parse_stored(entity.state))

    async def _signal_entity(self, call: Call) -> web.Response:
        text = await call.text()
        operation = call.query.get("op", "")
        if not call.is_json:  # the body counts as a text then
            return await self._signal(call, operation, to_dotnet_json(text) if text else None)
        if text and (error := json_error(text)):
            return json_answer({"Message": f"Could not parse JSON content: {error}"}, status=400)
        return await self._signal(call, operation, to_dotnet_json(parse(text)) if text else None)

    async def _delete_entity(self, call: Call) -> web.Response:
        return await self._signal(call, "delete", None)

    async def _signal(self, call: Call, operation: str, input_text: str | None) -> web.Response:
        try:
            await self._hub.signal_entity(call.route["name"], call.route["key"], operation, input_text)
        except UnknownEntity as error:
            return json_answer({"Message": str(error)}, status=400)
        return web.Response(status=202)


def _statuses(call: Call) -> tuple[frozenset[RuntimeStatus], bool]:
    """The statuses that the query asks for, and whether it asks only for ones that no instance can have."""
    names = {name.strip() for name in call.query.get("runtimestatus", "").split(",")}
    statuses = frozenset(RuntimeStatus(name) for name in names & set(RuntimeStatus))
    return statuses, not statuses and bool(names & _NEVER_REACHED)


def _status_text(body: Mapping[str, Any], instance: Instance, input_text: str | None) -> str:
    """The JSON of a status; what may be large in it is stored as JSON."""
    stored = {"input": input_text, "output": instance.output}
    members = (
        f'"{name}":{written(stored[name]) if name in stored else to_json(value)}'
        for name, value in body.items()
    )
    return f"{{{','.join(members)}}}"


def _status_body(instance: Instance) -> dict[str, Any]:
    """A status, with its stored texts left to `_status_text`."""
    return {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": instance.status,
        "input": None,
        "customStatus": parse_stored(instance.custom_status),
        "output": None,
        "createdTime": _seconds_text(instance.created_at),
        "lastUpdatedTime": _seconds_text(instance.updated_at),
    }


def _entity_body(instance: Instance, state: str | None) -> dict[str, Any]:
    _, name, key = instance.instance_id.split("@", 2)
    return {
        "entityId": {"name": name, "key": key},
        "lastOperationTime": format_time(instance.updated_at),
        "state": parse_stored(state),
    }


def _seconds_text(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
