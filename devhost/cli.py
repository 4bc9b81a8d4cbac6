"""The command line: which host to run and how, or which command to give to a running one."""

import argparse
import sys
from pathlib import Path

from devhost.client import COMMANDS
from devhost.engine.errors import StateFileInUse, StateFileOutdated
from devhost.errors import StartError
from devhost.foreground import ForegroundOptions, debugger_attached, serve
from devhost.host import IN_MEMORY, HostOptions
from devhost.settings.local_settings import local_http_port
from devhost.web.access import host_name

DEFAULT_PORT = 7071

_EPILOG = f"""\
Commands for a running host: {", ".join(COMMANDS)}.
Each explains itself: python -m devhost instances --help. A folder of such a name is given as ./instances.
"""


def run(arguments: list[str]) -> int:
    """Runs a host until a signal comes, or one command, and returns the exit code."""
    if arguments and arguments[0] in COMMANDS:
        from devhost.client.command_line import run_command  # noqa: PLC0415 - a host needs no rich

        return run_command(arguments)
    try:
        serve(_parse(arguments))
    except (StartError, StateFileInUse, StateFileOutdated) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parse(arguments: list[str]) -> ForegroundOptions:
    parsed = _parser().parse_args(arguments)
    app_dir = parsed.app_dir.resolve()
    default_state = app_dir / ".devhost" / "state.db"
    return ForegroundOptions(
        host=HostOptions(
            app_dir=app_dir,
            port=_port(parsed),
            state=IN_MEMORY if parsed.memory else str(Path(parsed.state or default_state).resolve()),
            fresh=parsed.fresh,
            strict_parity=parsed.strict_parity,
            functions=frozenset(name.strip().lower() for name in parsed.functions.split(",") if name.strip()),
            time_skip=parsed.time_skip,
            allowed_hosts=frozenset(parsed.allow_host),
        ),
        reload=parsed.reload and not debugger_attached(),
        json_logs=parsed.json,
        verbose=parsed.verbose,
    )


def _port(parsed: argparse.Namespace) -> int:
    if parsed.port is not None:
        return int(parsed.port)
    return local_http_port(parsed.app_dir.resolve()) or DEFAULT_PORT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devhost",
        description="Runs an Azure Functions app locally.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("app_dir", type=Path, metavar="APP_DIR", help="the folder of host.json")
    add(
        "--port",
        type=int,
        help="the port to serve (default: Host.LocalHttpPort of local.settings.json, else 7071)",
    )
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--state", metavar="FILE", help="the state file (default: APP_DIR/.devhost/state.db)")
    state.add_argument("--memory", action="store_true", help="keep no state on disk; a reload loses it")
    add(
        "--allow-host",
        type=_host_name,
        action="append",
        default=[],
        metavar="NAME",
        help="answer requests for this host name too, beside localhost; may be given again",
    )
    add("--fresh", action="store_true", help="forget what the state file holds")
    add("--functions", default="", metavar="A,B", help="run these functions alone")
    add(
        "--time-skip",
        action="store_true",
        help="durable timers are due as soon as nothing else runs; jobs see a later time",
    )
    add("--no-reload", dest="reload", action="store_false", help="do not restart when the app's files change")
    add("--json", action="store_true", help="log one JSON object a line, and nothing else")
    add("--verbose", action="store_true", help="log whole tracebacks, not only the app's part of them")
    add(
        "--strict-parity",
        action="store_true",
        help="hang and fail silently where Azure does, instead of saying so",
    )
    return parser


def _host_name(written: str) -> str:
    name = host_name(written)
    if name is None:
        raise argparse.ArgumentTypeError(f"{written!r} is not the name of a host, such as app.example")
    return name
