"""The commands for a running host: each asks it over HTTP and reports, for people or as JSON."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments

from devhost.client.errors import CommandFailed, InvalidInput, NotCompleted
from devhost.client.management import ManagementClient
from devhost.client.timeline import timeline
from devhost.client.views import ENDED, LONGEST_VALUE, history_view, instance_table, instance_view
from devhost.client.wording import cut, parse_json, parse_since, value_text
from devhost.escaping import escaped

_Run = Callable[[ManagementClient, argparse.Namespace], "Report"]
_AddCommand = Callable[[str, _Run, str], argparse.ArgumentParser]


_STATUSES = ("Pending", "Running", "Suspended", "Completed", "Failed", "Terminated")
_PIPED_WIDTH = 160  # columns of a table that no terminal shows
_POLL = 0.2  # seconds
_ACTIONS = {  # what each does, and what it says of itself afterwards
    "terminate": ("end an instance at once", "is being terminated"),
    "suspend": ("keep an instance from going on", "is being suspended"),
    "resume": ("let a suspended instance go on", "goes on"),
    "rewind": ("let a failed instance try its failed tasks again", "tries its failed tasks again"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found or did: for programs, and for people."""

    data: Any
    view: RenderableType


def run_command(arguments: list[str]) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        report = options.run(ManagementClient(options.host), options)
    except CommandFailed as error:
        sys.stderr.write(f"{escaped(str(error))}\n")
        return error.exit_code
    if options.json:
        sys.stdout.write(f"{escaped(json.dumps(report.data, ensure_ascii=False, indent=2))}\n")
    else:
        _print(report.view)
    return 0


def _print(view: RenderableType) -> None:
    """Prints a view; what instances are named or hold comes from outside and is escaped."""
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    shown = [
        Segment(text if control else escaped(text), style, control)
        for text, style, control in console.render(view)
    ]
    console.print(Segments(shown), end="")


def _instances(client: ManagementClient, options: argparse.Namespace) -> Report:
    now = datetime.now(UTC)
    found = [
        instance
        for instance in client.instances(_filters(options, now))
        if options.entities or not instance["instanceId"].startswith("@")
    ]
    newest = sorted(found, key=lambda instance: str(instance["createdTime"]), reverse=True)[: options.top]
    return Report(newest, instance_table(newest, len(found), now))


def _show(client: ManagementClient, options: argparse.Namespace) -> Report:
    instance = client.instance(options.id)
    return Report(instance, instance_view(instance, datetime.now(UTC), full=options.full))


def _history(client: ManagementClient, options: argparse.Namespace) -> Report:
    instance = client.instance(options.id, history=True)
    events = instance.get("historyEvents", [])
    line = timeline(events, ended=instance["runtimeStatus"] in ENDED, now=datetime.now(UTC))
    return Report(events, history_view(instance, line, full=options.full))


def _start(client: ManagementClient, options: argparse.Namespace) -> Report:
    # The SDK's client encodes an input twice, and its orchestrations decode it twice.
    body = None if options.input is None else json.dumps(json.dumps(parse_json(options.input)))
    started = client.start(options.name, body=body, instance_id=options.id, version=options.version)
    if not options.wait:
        return Report(started, started["id"])
    instance = client.instance(started["id"])
    while instance["runtimeStatus"] not in ENDED:
        time.sleep(_POLL)
        instance = client.instance(started["id"])
    if instance["runtimeStatus"] != "Completed":
        reason = "" if instance["output"] is None else value_text(instance["output"])
        first_line = reason.partition("\n")[0].strip()
        raise NotCompleted(started["id"], instance["runtimeStatus"], cut(first_line, LONGEST_VALUE))
    return Report(instance, instance_view(instance, datetime.now(UTC), full=options.full))


def _raise(client: ManagementClient, options: argparse.Namespace) -> Report:
    parse_json(options.data)
    client.raise_event(options.id, options.event, options.data)
    return Report({"id": options.id}, f"The event {options.event} is on its way to {options.id}.")


def _act(client: ManagementClient, options: argparse.Namespace) -> Report:
    query = {} if options.reason is None else {"reason": options.reason}
    client.act(options.id, options.command, query=query)
    return Report({"id": options.id}, f"{options.id} {_ACTIONS[options.command][1]}.")


def _restart(client: ManagementClient, options: argparse.Namespace) -> Report:
    client.instance(options.id)  # an unknown id is told as such
    new_id = str(not options.same_id).lower()
    started = client.act(options.id, "restart", query={"restartWithNewInstanceId": new_id})
    return Report(started, started["id"])


def _purge(client: ManagementClient, options: argparse.Namespace) -> Report:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devhost")
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--host", default="http://localhost:7071", metavar="URL", help="where the host serves"
    )
    common.add_argument("--json", action="store_true", help="print JSON, for programs")

    def command(name: str, run: _Run, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=about, description=f"{about.capitalize()}.")
        added.set_defaults(run=run)
        return added

    _add_queries(command)
    _add_starts(command)
    _add_changes(command)
    return parser


def _add_queries(command: _AddCommand) -> None:
    instances = command("instances", _instances, "list instances, the newest first")
    _add_filters(instances)
    instances.add_argument("--prefix", default="", help="only ids that begin so")
    instances.add_argument("--top", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    instances.add_argument("--entities", action="store_true", help="durable entities as well")
    for name, run, about in (
        ("show", _show, "show an instance with its values"),
        ("history", _history, "show what an instance did, and when"),
    ):
        one = command(name, run, about)
        one.add_argument("id", metavar="ID")
        one.add_argument("--full", action="store_true", help="do not cut long values")


def _add_starts(command: _AddCommand) -> None:
    start = command("start", _start, "start an orchestration and print its id")
    start.add_argument("name", metavar="ORCHESTRATOR")
    start.add_argument("input", nargs="?", metavar="JSON", help="its input")
    start.add_argument("--id", help="the id of the instance (default: a new one)")
    start.add_argument("--version", help="the version that it is to have")
    start.add_argument("--wait", action="store_true", help="wait until it has ended, and show it")
    start.add_argument("--full", action="store_true", help="do not cut long values")
    restart = command("restart", _restart, "start the same orchestration with the same input again")
    restart.add_argument("id", metavar="ID")
    restart.add_argument("--same-id", action="store_true", help="replace the instance, which must have ended")


def _add_changes(command: _AddCommand) -> None:
    event = command("raise", _raise, "raise an external event")
    event.add_argument("id", metavar="ID")
    event.add_argument("event", metavar="EVENT")
    event.add_argument("data", nargs="?", default="null", metavar="JSON", help="what it carries")
    for name, (about, _) in _ACTIONS.items():
        action = command(name, _act, about)
        action.add_argument("id", metavar="ID")
        action.add_argument("--reason", help="is kept with the instance")
    purge = command("purge", _purge, "forget ended instances")
    purge.add_argument("ids", nargs="*", metavar="ID")
    _add_filters(purge)
    purge.add_argument("--all", action="store_true", help="all that have ended")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        type=str.capitalize,
        choices=_STATUSES,
        metavar="STATUS",
        help=f"only of this status; may be repeated ({', '.join(_STATUSES)})",
    )
    parser.add_argument("--since", metavar="TIME", help="only created since: 30s, 10m, 2h, 7d or a date")
