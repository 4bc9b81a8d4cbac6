"""What the host's page asks below `/admin`: lists of instances, histories, timers, queues and logs.

An answer about instances bears an ETag that changes when any instance does, so that a page which asks every
second is mostly told that nothing has changed; pages that look at the same share what is read for one.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from aiohttp import web

from devhost.app.trigger_states import QueueState, TimerState
from devhost.engine.dotnet_json import to_json
from devhost.engine.errors import InstanceNotFound
from devhost.engine.listing import Listed, ListQuery, Place, place_of
from devhost.engine.task_hub import TaskHub
from devhost.web.history_view import parse_stored
from devhost.web.http_request import query_of
from devhost.web.management_call import BadQuery, json_answer
from devhost.why.inputs import task_input
from devhost.why.queues import invisible

EVENTS_OF_A_PART = 5_000
_MOST = 500  # instances of a page
_USUAL = 50
_MOST_KEPT = 8  # answers, some of which are a part of a history
_DIGITS = 9  # of a number in a query

Query: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Overview:
    """Where the answers come from.

    Attributes:
        log_of: the last records of the log that belong to an instance.
    """

    hub: TaskHub
    timers: Callable[[], Sequence[TimerState]]
    queues: Callable[[], Awaitable[Sequence[QueueState]]]
    log_of: Callable[[str], list[dict[str, Any]]]


class OverviewApi:
    """Answers what only this host has below `/admin`."""

    def __init__(self, overview: Overview) -> None:
        self._from = overview
        self._start = secrets.token_hex(4)  # each start counts revisions from zero
        self._kept: dict[str, str] = {}
        self._kept_tag = ""

    async def handle(self, request: web.Request, path: Sequence[str]) -> web.Response | None:
        """The answer to a request; `None` if it is for none of these. `path` is what follows `/admin`."""
        query = {name.lower(): value for name, value in query_of(request).items()}
        try:
            match request.method, path:
                case "GET", ["instances"]:
                    return await self._current(request, query, self._instances)
                case "GET", ["history"]:
                    return await self._current(request, query, self._history)
                case "GET", ["input"]:
                    found = await task_input(
                        self._from.hub, query.get("instance", ""), _number(query, "task", 0)
                    )
                    return json_answer(_json(found))
                case "GET", ["timers"]:
                    return json_answer([_json(timer) for timer in self._from.timers()])
                case "GET", ["queues"]:
                    return json_answer([_queue(queue) for queue in await self._from.queues()])
                case "GET", ["logs"]:
                    return json_answer(self._from.log_of(query.get("instance", "")))
        except BadQuery as error:
            return json_answer({"Message": str(error)}, status=400)
        except InstanceNotFound as error:
            return json_answer({"Message": str(error)}, status=404)
        return None

    async def _current(
        self, request: web.Request, query: Query, read: Callable[[Query], Awaitable[str]]
    ) -> web.Response:
        """What is read, once for all who ask the same until an instance changes."""
        tag = f'"{self._start}-{self._from.hub.revision}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        if self._kept_tag != tag or len(self._kept) >= _MOST_KEPT:
            self._kept, self._kept_tag = {}, tag
        kept = self._kept  # another revision, with answers of its own, may begin while this one is read
        if request.raw_path not in kept:
            kept[request.raw_path] = await read(query)
        return web.Response(
            text=kept[request.raw_path], headers={"ETag": tag}, content_type="application/json"
        )

    async def _instances(self, query: Query) -> str:
        top = min(_number(query, "top", _USUAL), _MOST)
        found = await self._from.hub.list_newest(
            ListQuery(
                top + 1,
                name=query.get("name", ""),
                status=query.get("status", ""),
                prefix=query.get("prefix", ""),
                parent=query.get("parent", ""),
                after=_place(query.get("after", "")),
            )
        )
        page = found[:top]
        after = place_of(page[-1]) if page and len(found) > top else None
        return to_json(
            {
                "instances": [_summary(instance) for instance in page],
                "next": after and f"{after.created_at},{after.instance_id}",
            }
        )

    async def _history(self, query: Query) -> str:
        """An instance, and the events of its history from a position on, as they are stored."""
        hub, position = self._from.hub, _number(query, "from", 0)
        instance, record = await hub.get_record(query.get("instance", ""), position, EVENTS_OF_A_PART)
        head = {
            "instance": _summary(instance),
            "customStatus": parse_stored(instance.custom_status),
            "from": position,
            "started": {str(at): _text(when) for at, when in record.started.items()},
            "running": {
                str(call.task_id): _text(since)
                for call, since in hub.running
                if call.execution_id == instance.execution_id
            },
            "more": len(record.events) == EVENTS_OF_A_PART,
        }
        return f'{to_json(head)[:-1]},"events":[{",".join(record.events)}]}}'


def _summary(instance: Listed) -> dict[str, Any]:
    summary = {**_json(instance), "isEntity": instance.is_entity}
    del summary["customStatus"]  # which may be long, and a list does not show it
    return summary


def _queue(queue: QueueState) -> dict[str, Any]:
    hidden = invisible(queue)
    return {**_json(queue), "why": hidden and hidden.to_json()}


def _json(value: Any) -> dict[str, Any]:
    """A dataclass by the names that JSON has here, with times as texts."""
    return {_camel(name): _plain(member) for name, member in asdict(value).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _text(value)
    if isinstance(value, dict):
        return {_camel(name): _plain(member) for name, member in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(member) for member in value]
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _text(when: datetime) -> str:
    return when.isoformat()


def _place(text: str) -> Place | None:
    created_at, comma, instance_id = text.partition(",")
    if text and not comma:
        raise BadQuery(f"after is '{text}': use what 'next' of the page before says.")
    return Place(created_at, instance_id) if text else None


def _number(query: Query, name: str, usual: int) -> int:
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise BadQuery(f"{name} is '{text}': use a number from 0 up.")
    return int(text) if text else usual
