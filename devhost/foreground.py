"""A host in the foreground: started, stopped by signals, started again when the app's files change.

To start again, the process replaces its program (`exec`) and passes on nothing but the listening socket: no
module, thread or variable of the old code is left, and requests that come meanwhile wait in that socket.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from devhost.banner import banner
from devhost.client.running_host import FolderTaken, LeftAddress, leave_address
from devhost.engine.errors import StateFileInUse, StateFileOutdated
from devhost.errors import StartError
from devhost.host import Host, HostOptions
from devhost.logs import set_up_logging
from devhost.reload import SourceWatcher
from devhost.settings.host_json import load_settings
from devhost.storage.storage_check import storage_line
from devhost.web.http_server import reserve_port

logger = logging.getLogger(__name__)

RELOAD_GRACE = 3.0  # seconds: what a reload cuts off runs again, and somebody waits for the new code

_SWITCH_SECONDS = 0.0005
_HARD_EXIT = 130  # of a process that a second signal ended
_USUAL_HANDLERS: Mapping[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
_LISTENER = "DEVHOST_LISTENER"  # tells the program that takes over which descriptor the socket has


@dataclass(frozen=True, slots=True)
class ForegroundOptions:
    """How to run a host for a person.

    Attributes:
        host: how to run the app.
        reload: whether to start again when the app's files change.
        json_logs: whether to log JSON objects, and to leave the banner out.
        verbose: whether to log whole tracebacks.
    """

    host: HostOptions
    reload: bool = True
    json_logs: bool = False
    verbose: bool = False


def serve(options: ForegroundOptions) -> None:
    """Runs a host until a signal comes.

    Raises:
        StartError, StateFileInUse, StateFileOutdated: it cannot start.
    """
    # Each step of the host would wait 5 ms for the app's code, which on Azure runs in another process.
    sys.setswitchinterval(_SWITCH_SECONDS)
    inherited = os.environ.pop(_LISTENER, None)
    environment, directory = dict(os.environ), Path.cwd()
    if inherited is None:
        listener = reserve_port(options.host.port)
    else:
        listener = socket.socket(fileno=int(inherited))
        listener.set_inheritable(False)
        options = replace(options, host=replace(options.host, fresh=False))
    with listener:
        foreground = _Foreground(options, listener, is_reload=inherited is not None)
        if asyncio.run(foreground.run()):
            _start_anew(listener, environment, directory)


def debugger_attached() -> bool:
    """Whether a debugger, which would lose a program that is replaced, watches this one."""
    return sys.gettrace() is not None or "debugpy" in sys.modules


class _Foreground:
    def __init__(self, options: ForegroundOptions, listener: socket.socket, *, is_reload: bool) -> None:
        self._options = options
        self._listener = listener
        self._is_reload = is_reload
        self._stop = asyncio.Event()
        self._address: LeftAddress | None = None
        self._started = time.monotonic()

    async def run(self) -> bool:
        """Serves the app; returns whether to start again."""
        os.register_at_fork(
            before=lambda: _mask_signals(signal.SIG_BLOCK),
            after_in_parent=lambda: _mask_signals(signal.SIG_UNBLOCK),
            after_in_child=_leave_signals_to_fork,
        )
        for number in _USUAL_HANDLERS:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        watcher = SourceWatcher(self._options.host.app_dir) if self._options.reload else None
        try:
            host = await self._start()
        except (StartError, StateFileInUse, StateFileOutdated) as error:
            if not self._is_reload or watcher is None:
                raise
            logger.error("%s The host will start once this is fixed.", error)  # noqa: TRY400 - a sentence, no traceback
            return await self._changed(watcher)
        self._leave_address(host)
        storage = asyncio.create_task(self._tell_storage())
        changed = await self._changed(watcher)
        storage.cancel()
        await self._stop_host(host, reload=changed)
        return changed and not self._stop.is_set()

    async def _start(self) -> Host:
        options = self._options
        settings = load_settings(options.host.app_dir)
        set_up_logging(
            settings.log_levels, options.host.app_dir, as_json=options.json_logs, verbose=options.verbose
        )
        host = await Host.start(options.host, settings, listener=self._listener.dup())
        seconds = time.monotonic() - self._started
        if self._is_reload:
            self._say(f"Reloaded {host.origin} after {seconds:.2f} s")
        elif options.json_logs:
            self._say(f"Ready {host.origin} after {seconds:.2f} s")
        else:
            self._say(banner(host, seconds=seconds, reloads=options.reload))
        return host

    async def _changed(self, watcher: SourceWatcher | None) -> bool:
        """Waits for a change of the app's files, and returns true, or for a signal, and returns false."""
        if watcher is None:
            await self._stop.wait()
            return False
        change = asyncio.create_task(watcher.loadable_change(_tell_problem))
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait((change, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if self._stop.is_set():
            change.cancel()
            return False
        self._say(f"Reloading: {_named(change.result(), self._options.host.app_dir)} changed.")
        return True

    async def _stop_host(self, host: Host, *, reload: bool) -> None:
        if reload:
            await host.stop(grace=RELOAD_GRACE)
            return
        self._listener.close()  # so that from now on clients are refused
        if self._address is not None:
            self._address.take_away()
        self._say(f"Stopping, within {host.options.grace:g} s; a second signal stops at once.")
        await host.stop()

    def _leave_address(self, host: Host) -> None:
        try:
            self._address = leave_address(self._options.host.app_dir, host.origin)
        except FolderTaken as error:
            logger.warning(
                "%s Each has instances of its own; timer and blob functions run on both, and either takes "
                "messages of queues. Commands ask that host, unless told --host %s. Instances of an app on "
                "Azure share all of this: stop one of the two.",
                error,
                host.origin,
            )
        except OSError as error:  # the folder may be read-only
            logger.info("Commands need --host %s: %s", host.origin, error)

    async def _tell_storage(self) -> None:
        if not self._is_reload:
            self._say(f"Storage  {await storage_line(os.environ)}")

    def _on_signal(self) -> None:
        if self._stop.is_set():
            os._exit(_HARD_EXIT)
        self._stop.set()

    def _say(self, text: str) -> None:
        if self._options.json_logs:
            logger.info("%s", text)
            return
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _leave_signals_to_fork() -> None:
    """In a process that the app has forked, such as one of a `multiprocessing.Pool`.

    asyncio hears of signals through a pipe that both processes have: what ends the fork would end this host.
    """
    signal.set_wakeup_fd(-1)
    for number, handler in _USUAL_HANDLERS.items():
        signal.signal(number, handler)
    _mask_signals(signal.SIG_UNBLOCK)  # which came too early for that


def _mask_signals(how: signal.Sigmasks) -> None:
    """Holds signals back from this thread, or lets them through, those that have come meanwhile as well."""
    signal.pthread_sigmask(how, _USUAL_HANDLERS.keys())


def _tell_problem(problem: str) -> None:
    logger.error("Not reloaded; the app keeps running unchanged: %s", problem)


def _named(paths: Sequence[Path], app_dir: Path) -> str:
    others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0].relative_to(app_dir)}{others}"


def _start_anew(listener: socket.socket, environment: Mapping[str, str], directory: Path) -> NoReturn:
    """Replaces this program with a new one of the same arguments, environment and working directory."""
    listener.set_inheritable(True)
    os.chdir(directory)
    sys.stdout.flush()
    arguments = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, arguments, {**environment, _LISTENER: str(listener.fileno())})  # noqa: S606 - no shell is wanted
