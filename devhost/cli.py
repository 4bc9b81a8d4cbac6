"""The command line: start a host, wait for a signal, stop it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from .banner import banner
from .engine.errors import StateFileInUse, StateFileOutdated
from .errors import StartError
from .host import IN_MEMORY, Host, HostOptions
from .logs import set_up_logging
from .settings import read_host_settings

_HARD_EXIT = 130  # of a process that a second signal ended


def run(arguments: list[str]) -> int:
    """Runs a host until a signal comes and returns the exit code."""
    options = _parse(arguments)
    try:
        asyncio.run(_serve(options))
    except (StartError, StateFileInUse, StateFileOutdated) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _serve(options: HostOptions) -> None:
    started = time.monotonic()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _on_signal, stop)
    settings = read_host_settings(options.app_dir)
    set_up_logging(settings.log_level)
    host = await Host.start(options, settings)
    sys.stdout.write(banner(host, seconds=time.monotonic() - started))
    sys.stdout.flush()
    await stop.wait()
    sys.stdout.write(f"Stopping, within {options.grace:g} s; a second signal stops at once.\n")
    sys.stdout.flush()
    await host.stop()


def _on_signal(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(_HARD_EXIT)
    stop.set()


def _parse(arguments: list[str]) -> HostOptions:
    parser = argparse.ArgumentParser(
        prog="python -m devhost", description="Runs an Azure Functions app locally."
    )
    parser.add_argument("app_dir", type=Path, metavar="APP_DIR", help="the folder of host.json")
    parser.add_argument("--port", type=int, default=7071, help="the port to serve (default: 7071)")
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--state", metavar="FILE", help="the state file (default: APP_DIR/.devhost/state.db)")
    state.add_argument("--memory", action="store_true", help="keep no state on disk")
    parser.add_argument("--fresh", action="store_true", help="forget what the state file holds")
    parser.add_argument(
        "--strict-parity",
        action="store_true",
        help="hang and fail silently where Azure does, instead of saying so",
    )
    parsed = parser.parse_args(arguments)
    app_dir = parsed.app_dir.resolve()
    default_state = app_dir / ".devhost" / "state.db"
    return HostOptions(
        app_dir=app_dir,
        port=parsed.port,
        state=IN_MEMORY if parsed.memory else str(Path(parsed.state or default_state).resolve()),
        fresh=parsed.fresh,
        strict_parity=parsed.strict_parity,
    )
