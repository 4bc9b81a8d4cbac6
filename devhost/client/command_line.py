"""The commands for a running host as they are typed: names, arguments, help, and how each is carried out."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from devhost.client import commands as does
from devhost.client.commands import ACTIONS, Run
from devhost.client.errors import CommandFailed
from devhost.client.management import ManagementClient
from devhost.client.running_host import address_of_running_host
from devhost.escaping import escaped

_AddCommand = Callable[[str, Run, str], argparse.ArgumentParser]

_STATUSES = ("Pending", "Running", "Suspended", "Completed", "Failed", "Terminated")
_INTERRUPTED = 130  # the exit code of what Ctrl-C has ended


def run_command(arguments: list[str]) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        report = options.run(ManagementClient(options.host or address_of_running_host(Path.cwd())), options)
    except CommandFailed as error:
        sys.stderr.write(f"{escaped(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    if options.json or report.view is None:
        sys.stdout.write(f"{escaped(json.dumps(report.data, ensure_ascii=False, indent=2))}\n")
    else:
        does.print_view(report.view)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devhost")
    subparsers = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--host", metavar="URL", help="where the host serves (default: that of this folder, else port 7071)"
    )
    common.add_argument("--json", action="store_true", help="print JSON, for programs")

    def command(name: str, run: Run, about: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(
            name, parents=[common], help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        added.set_defaults(run=run)
        return added

    _add_queries(command)
    _add_starts(command)
    _add_changes(command)
    _add_entities(command)
    return parser


def _add_queries(command: _AddCommand) -> None:
    instances = command("instances", does.instances, "list instances, the newest first")
    _add_filters(instances)
    _add_prefix(instances)
    instances.add_argument("--top", type=int, default=50, metavar="N", help="at most N of them (default: 50)")
    instances.add_argument("--entities", action="store_true", help="durable entities as well")
    for name, run, about in (
        ("show", does.show, "show an instance with its values"),
        ("history", does.history, "show what an instance did, and when"),
        ("watch", does.watch, "tell what an instance does until it has ended, and show it"),
    ):
        one = command(name, run, about)
        one.add_argument("id", metavar="ID")
        one.add_argument("--full", action="store_true", help="do not cut long values")
    why = command("why", does.why, "say why an instance has not ended, or each that has not, and what to do")
    why.add_argument("id", nargs="?", metavar="ID")
    logs = command("logs", does.logs, "show what the host has logged for an instance since it started")
    logs.add_argument("id", metavar="ID")
    export = command("export", does.export, "print the recorded history that app.replay takes, as JSON")
    export.add_argument("id", metavar="ID")
    page = command("page", does.page, "write the host's page, which shows exported histories without a host")
    page.add_argument("file", type=Path, metavar="FILE")


def _add_starts(command: _AddCommand) -> None:
    start = command("start", does.start, "start an orchestration and print its id")
    start.add_argument("name", metavar="ORCHESTRATOR")
    start.add_argument("input", nargs="?", metavar="JSON", help="its input")
    start.add_argument("--id", help="the id of the instance (default: a new one)")
    start.add_argument("--version", help="the version that it is to have")
    start.add_argument("--wait", action="store_true", help="wait until it has ended, and show it")
    start.add_argument("--full", action="store_true", help="do not cut long values")
    restart = command("restart", does.restart, "start the same orchestration with the same input again")
    restart.add_argument("id", metavar="ID")
    restart.add_argument("--same-id", action="store_true", help="replace the instance, which must have ended")
    run = command("run", does.run, "run an activity, a queue function or a timer function once, and wait")
    run.add_argument("function", metavar="FUNCTION")
    run.add_argument("input", nargs="?", default="null", metavar="JSON", help="its input, or the message")


def _add_changes(command: _AddCommand) -> None:
    event = command("raise", does.raise_event, "raise an external event")
    event.add_argument("id", metavar="ID")
    event.add_argument("event", metavar="EVENT")
    event.add_argument("data", nargs="?", default="null", metavar="JSON", help="what it carries")
    for name, (about, _) in ACTIONS.items():
        action = command(name, does.act, about)
        action.add_argument("id", metavar="ID")
        _add_reason(action)
    terminate = command("terminate", does.terminate, "end an instance at once, or all that filters name")
    terminate.add_argument("id", nargs="?", metavar="ID")
    _add_filters(terminate)
    _add_prefix(terminate)
    _add_reason(terminate)
    purge = command("purge", does.purge, "forget ended instances")
    purge.add_argument("ids", nargs="*", metavar="ID")
    _add_filters(purge)
    purge.add_argument("--all", action="store_true", help="all that have ended")


def _add_entities(command: _AddCommand) -> None:
    signal = command("signal", does.signal, "ask an entity for an operation, without waiting for it")
    read = command("read", does.read, "show what an entity holds")
    for entity in (signal, read):
        entity.add_argument("name", metavar="ENTITY")
        entity.add_argument("key", metavar="KEY")
    signal.add_argument("operation", metavar="OPERATION")
    signal.add_argument("input", nargs="?", metavar="JSON", help="what the operation gets")


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


def _add_prefix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prefix", default="", help="only ids that begin so")


def _add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", help="is kept with the instance")
