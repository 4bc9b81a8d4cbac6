"""What the commands for a running host do: each asks it over HTTP and reports, for people or as JSON."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from rich.text import Text

from devhost.client.errors import InvalidInput, NotCompleted, Refused, UnknownInstance
from devhost.client.management import ManagementClient
from devhost.client.timeline import timeline
from devhost.client.views import (
    ENDED,
    LONGEST_VALUE,
    history_view,
    instance_table,
    instance_view,
    log_view,
    status_line,
    step_line,
)
from devhost.client.wording import cut, parse_json, parse_since, value_text
from devhost.escaping import escaped
from devhost.page.page import host_page

Run: TypeAlias = Callable[[ManagementClient, argparse.Namespace], "Report"]

ACTIONS = {  # what each does, and what it says of itself afterwards
    "suspend": ("keep an instance from going on", "is being suspended"),
    "resume": ("let a suspended instance go on", "goes on"),
    "rewind": ("let a failed instance try its failed tasks again", "tries its failed tasks again"),
}
_LIVE = "Pending,Running,Suspended"
_PIPED_WIDTH = 160  # columns of a table that no terminal shows
_POLL = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found or did: for programs, and for people, if it is for these too."""

    data: Any
    view: RenderableType | None


def print_view(view: RenderableType) -> None:
    """Prints a view; what instances are named or hold comes from outside and is escaped."""
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    shown = [
        Segment(text if control else escaped(text), style, control)
        for text, style, control in console.render(view)
    ]
    console.print(Segments(shown), end="")


def instances(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Lists instances, the newest first."""
    now = datetime.now(UTC)
    found = [
        instance
        for instance in client.instances(_filters(options, now))
        if options.entities or not instance["instanceId"].startswith("@")
    ]
    newest = sorted(found, key=lambda instance: str(instance["createdTime"]), reverse=True)[: options.top]
    return Report(newest, instance_table(newest, len(found), now))


def show(client: ManagementClient, options: argparse.Namespace) -> Report:
    """One instance with its values."""
    instance = client.instance(options.id)
    return Report(instance, instance_view(instance, datetime.now(UTC), full=options.full))


def why(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Why an instance has not ended, or each that has not, and what hides messages from functions."""
    if options.id:
        return _why_one(client, options.id)
    live = [item for item in client.instances({"runtimeStatus": _LIVE}) if _is_live(item)]
    reasons = {item["instanceId"]: client.why(item["instanceId"]) for item in live}
    known = {instance_id: reason for instance_id, reason in reasons.items() if reason}
    known |= _hidden_messages(client)
    lines = [f"{what}\n  {_reason_text(reason)}" for what, reason in known.items()]
    return Report(known, Text("\n".join(lines) or "Every instance has ended."))


def _why_one(client: ManagementClient, instance_id: str) -> Report:
    """Why one has not ended; a message that would raise its event may be hidden, which nobody can know."""
    found = client.why(instance_id)
    if found is None:
        return Report(found, Text("It has ended."))
    hidden = _hidden_messages(client) if found["code"] == "event" else {}
    return Report(found, Text("\n".join(map(_reason_text, (found, *hidden.values())))))


def _hidden_messages(client: ManagementClient) -> dict[str, dict[str, Any]]:
    """What hides messages from functions, by the queues."""
    return {f"queue {queue['queue']}": queue["why"] for queue in client.queues() if queue["why"]}


def _reason_text(found: Mapping[str, Any]) -> str:
    return f"{found['sentence']} {found['remedy']}"


def history(client: ManagementClient, options: argparse.Namespace) -> Report:
    """What an instance did, on a time axis."""
    instance = client.instance(options.id, history=True)
    events = instance.get("historyEvents", [])
    line = timeline(events, ended=instance["runtimeStatus"] in ENDED, now=datetime.now(UTC))
    return Report(events, history_view(instance, line, full=options.full))


def start(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Starts an orchestration; with `--wait` it is the instance when it has ended."""
    # The SDK's client encodes an input twice, and its orchestrations decode it twice.
    body = None if options.input is None else json.dumps(json.dumps(parse_json(options.input)))
    started = client.start(options.name, body=body, instance_id=options.id, version=options.version)
    if not options.wait:
        return Report(started, started["id"])
    return _at_the_end(client, client.instance(started["id"]), options)


def watch(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Shows each step of an instance when it has ended, until the instance has."""
    told: set[Hashable] = set()
    while True:
        instance = client.instance(options.id, history=True)
        if instance["instanceId"].startswith("@") and instance["name"].startswith("@"):
            raise InvalidInput(f"{options.id} is an entity, which never ends: `read` shows what it holds.")
        if not options.json:
            _tell_news(instance, told)
        if instance["runtimeStatus"] in ENDED:
            return _at_the_end(client, instance, options)
        time.sleep(_POLL)


def logs(client: ManagementClient, options: argparse.Namespace) -> Report:
    """What the host has logged for an instance."""
    records = client.logs(options.id)
    if not records:
        client.instance(options.id)  # an unknown id is reported as such
    return Report(records, log_view(records))


def export(client: ManagementClient, options: argparse.Namespace) -> Report:
    """The recorded history, as `app.replay` of `devhost.testing` takes it."""
    events = client.history(options.id)
    if not events:
        raise Refused(f"{options.id!r} has no history: it has not begun, or is an entity.")
    return Report(events, None)


def page(_client: ManagementClient, options: argparse.Namespace) -> Report:
    """Writes the host's page to a file, for histories that are looked at without a host."""
    try:
        options.file.write_text(host_page().content, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{options.file} cannot be written: {error.strerror}.") from error
    said = f"{options.file} is written: open it in a browser, and drop a history on it."
    return Report({"file": str(options.file)}, said)


def run(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Runs a function by hand; what an activity returns is its result."""
    parse_json(options.input)
    result = client.run(options.function, options.input)
    return Report(result, f"{options.function} succeeded." if result is None else Text(value_text(result)))


def signal(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Sends an entity a request that nobody waits for."""
    # As the SDK's client does, for entities that read their input with the SDK.
    body = None if options.input is None else json.dumps(json.dumps(parse_json(options.input)))
    client.signal(options.name, options.key, options.operation, body=body)
    entity = f"@{options.name.lower()}@{options.key}"
    return Report({"id": entity}, f"{options.operation} is on its way to {entity}.")


def read(client: ManagementClient, options: argparse.Namespace) -> Report:
    """What an entity holds."""
    state = client.entity_state(options.name, options.key)
    return Report(state, Text(value_text(state)))


def raise_event(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Raises an external event."""
    parse_json(options.data)
    client.raise_event(options.id, options.event, options.data)
    return Report({"id": options.id}, f"The event {options.event} is on its way to {options.id}.")


def act(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Suspends, resumes or rewinds an instance."""
    client.act(options.id, options.command, query=_reason(options))
    return Report({"id": options.id}, f"{options.id} {ACTIONS[options.command][1]}.")


def terminate(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Terminates an instance, or all live orchestrations that the filters name."""
    filters = _filters(options, datetime.now(UTC))
    if bool(options.id) is bool(filters):
        raise InvalidInput(
            "Name either an instance to terminate, or which ones by --status, --prefix or --since."
        )
    if options.id:
        client.act(options.id, "terminate", query=_reason(options))
        return Report({"id": options.id}, f"{options.id} is being terminated.")
    found = [instance["instanceId"] for instance in client.instances(filters) if _is_live(instance)]
    ended = [instance_id for instance_id in found if _is_terminated(client, instance_id, options)]
    return Report({"ids": ended}, f"{len(ended)} {'is' if len(ended) == 1 else 'are'} being terminated.")


def restart(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Starts the same orchestration with the same input again."""
    client.instance(options.id)  # an unknown id is reported as such
    new_id = str(not options.same_id).lower()
    started = client.act(options.id, "restart", query={"restartWithNewInstanceId": new_id})
    return Report(started, started["id"])


def purge(client: ManagementClient, options: argparse.Namespace) -> Report:
    """Forgets ended instances."""
    filters = _filters(options, datetime.now(UTC))
    if bool(options.ids) is bool(filters or options.all):
        raise InvalidInput("Name either instances to purge, or which ones by --status, --since or --all.")
    for instance_id in options.ids:
        client.purge(instance_id)
    everything = {"createdTimeFrom": "0001-01-01T00:00:00Z"}
    purged = len(options.ids) or client.purge_by({**everything, **filters})
    return Report({"instancesDeleted": purged}, f"{purged} purged.")


def _filters(options: argparse.Namespace, now: datetime) -> dict[str, str]:
    query = {
        "runtimeStatus": ",".join(options.status),
        "instanceIdPrefix": getattr(options, "prefix", ""),
        "createdTimeFrom": f"{parse_since(options.since, now):%Y-%m-%dT%H:%M:%SZ}" if options.since else "",
    }
    return {name: value for name, value in query.items() if value}


def _reason(options: argparse.Namespace) -> dict[str, str]:
    return {} if options.reason is None else {"reason": options.reason}


def _is_live(instance: Mapping[str, Any]) -> bool:
    is_entity = instance["name"] == instance["instanceId"] and instance["name"].startswith("@")
    return instance["runtimeStatus"] not in ENDED and not is_entity


def _is_terminated(client: ManagementClient, instance_id: str, options: argparse.Namespace) -> bool:
    """Terminates one of many, which may have ended since they were listed."""
    try:
        client.act(instance_id, "terminate", query=_reason(options))
    except (Refused, UnknownInstance):
        return False
    return True


def _at_the_end(client: ManagementClient, instance: dict[str, Any], options: argparse.Namespace) -> Report:
    """The instance when it has ended.

    Raises:
        NotCompleted: it has ended otherwise.
    """
    while instance["runtimeStatus"] not in ENDED:
        time.sleep(_POLL)
        instance = client.instance(instance["instanceId"])
    if instance["runtimeStatus"] != "Completed":
        reason = "" if instance["output"] is None else value_text(instance["output"])
        first_line = reason.partition("\n")[0].strip()
        raise NotCompleted(instance["instanceId"], instance["runtimeStatus"], cut(first_line, LONGEST_VALUE))
    return Report(instance, instance_view(instance, datetime.now(UTC), full=options.full))


def _tell_news(instance: Mapping[str, Any], told: set[Hashable]) -> None:
    """Prints the steps that have ended since, and a custom status that has changed."""
    ended = instance["runtimeStatus"] in ENDED
    line = timeline(instance.get("historyEvents", []), ended=ended, now=datetime.now(UTC))
    news: list[tuple[Hashable, Text]] = []
    if (status := instance["customStatus"]) is not None:
        news.append((json.dumps(status), status_line(value_text(status), datetime.now(UTC))))
    news += [
        ((step.kind, step.name, step.begin, step.end), step_line(step)) for step in line.steps if step.end
    ]
    for key, view in news:
        if key not in told:
            told.add(key)
            print_view(view)
