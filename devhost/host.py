"""A running host: the app's functions, their task hub and the port, started and stopped together."""

import asyncio
import contextlib
import logging
import socket
import sqlite3
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from azure.functions.meta import Datum

from devhost.app.binding_expressions import BindingData
from devhost.app.bindings import Binding, text_datum
from devhost.app.functions import Index
from devhost.app.host_variables import HostVariables
from devhost.engine.clock import Clock, SkippingClock, SystemClock
from devhost.engine.errors import FunctionFailed
from devhost.engine.options import HubOptions
from devhost.engine.state_file import lock
from devhost.engine.store import Store
from devhost.engine.task_hub import TaskHub
from devhost.errors import FunctionLoadError, IndexingError, StateUnusable, UnknownFunctions
from devhost.logs import ends_of_log
from devhost.recent_log import RecentLog
from devhost.settings.app_settings import is_disabled, worker_threads
from devhost.settings.host_json import HostSettings
from devhost.settings.local_settings import CorsSettings, apply_local_settings, read_cors_settings
from devhost.storage.blob_receipts import host_id
from devhost.storage.patience import Patience
from devhost.storage.storage_bindings import StorageBindings
from devhost.storage.storage_connection import StorageConnections
from devhost.storage.table_bindings import TableBindings
from devhost.time_skip import skip_time
from devhost.triggers.listeners import Triggers
from devhost.triggers.timer_status import FILE_SUFFIX, TimerMemory
from devhost.web.access import AccessRules
from devhost.web.admin_api import AdminApi
from devhost.web.client_binding import client_binding
from devhost.web.http_server import LOOPBACK, HttpServer, reserve_port
from devhost.web.management_api import ManagementApi
from devhost.web.overview_api import Overview, OverviewApi
from devhost.worker.worker import Worker

IN_MEMORY = ":memory:"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to run an app.

    Attributes:
        app_dir: the folder of host.json.
        port: 0 for any free one.
        state: the state file, or `IN_MEMORY`.
        fresh: whether to forget what the state file holds.
        strict_parity: whether to hang and to fail silently where Azure does, instead of saying so.
        functions: names of the functions to run, in lower case; all of them if there are none.
        time_skip: whether durable timers are due as soon as nothing else runs.
        allowed_hosts: host names that requests may be for beside those of loopback, in lower case.
        grace: seconds that a stop gives to what is running.
    """

    app_dir: Path
    port: int = 7071
    state: str = IN_MEMORY
    fresh: bool = False
    strict_parity: bool = False
    functions: frozenset[str] = frozenset()
    time_skip: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    grace: float = 10.0


class Host:
    """One app on one port; only one host at a time can run in a process, since it owns its modules.

    Attributes:
        in_error: the functions that cannot be called; the log says why.
        errors: why, a sentence for each.
    """

    @classmethod
    async def start(
        cls,
        options: HostOptions,
        settings: HostSettings,
        *,
        clock: Clock | None = None,
        listener: socket.socket | None = None,
    ) -> "Host":
        """Starts an app; it answers requests when this returns.

        Args:
            options: how to run it.
            settings: what its host.json says.
            clock: what durable timers follow; by default that of the machine.
            listener: a socket from `reserve_port` to serve instead of the port of the options.

        Raises:
            StartError: local.settings.json, the port or the state file cannot be used.
            StateFileInUse: another host has the state file open.
        """
        reserved = listener or reserve_port(options.port)
        async with contextlib.AsyncExitStack() as undone:
            undone.callback(reserved.close)
            apply_local_settings(options.app_dir)
            cors = read_cors_settings(options.app_dir)
            store = _open_store(options)
            port = reserved.getsockname()[1]
            host = cls(options, settings, store, port=port, clock=clock or SystemClock())
            undone.push_async_callback(host.stop)
            await host._serve(reserved, cors)
            undone.pop_all()
        return host

    def __init__(
        self,
        options: HostOptions,
        settings: HostSettings,
        store: Store,
        *,
        port: int,
        clock: Clock,
    ) -> None:
        self.options = options
        self.settings = settings
        self.port = port
        self.threads = worker_threads()
        self.in_error: tuple[str, ...] = ()
        self.errors: tuple[str, ...] = ()
        self._recent = RecentLog(settings.log_levels, options.app_dir)
        for end in ends_of_log():
            end.addHandler(self._recent)
        self.index = Index((), ())
        self._variables = HostVariables(options.app_dir, port)
        self.worker = Worker(options.app_dir, threads=self.threads, timeout=settings.function_timeout)
        self._hub_clock = SkippingClock(clock) if options.time_skip else clock
        self._time_skip: asyncio.Task[None] | None = None
        self.hub = TaskHub(
            store,
            self.worker,
            clock=self._hub_clock,
            options=HubOptions(
                max_concurrent_activities=settings.max_concurrent_activities,
                max_concurrent_orchestrators=settings.max_concurrent_orchestrators,
                versions=settings.versions,
                strict_parity=options.strict_parity,
                replaces_running=settings.replaces_running,
            ),
        )
        self._server: HttpServer | None = None
        self._patience = Patience(clock)
        self._connections = StorageConnections(self._patience)
        self._triggers = Triggers(
            self.worker,
            connections=self._connections,
            queue_options=settings.queues,
            blob_options=settings.blobs,
            clock=clock,
            timer_memory=TimerMemory(_timers_file(options.state)),
            host_id=host_id(options.app_dir),
        )
        sent = self._triggers.look_at_queue
        StorageBindings(self._connections, settings.queues.encoding, sent=sent).offer_to(self.worker)
        TableBindings(self._connections).offer_to(self.worker)

    @property
    def origin(self) -> str:
        """Where the host answers."""
        return f"http://localhost:{self.port}"

    @property
    def page(self) -> str | None:
        """Where the host's own page is; `None` where a function of the app has its route."""
        path = self._server.page if self._server else None
        return path and f"{self.origin}{path}"

    @property
    def next_timer(self) -> datetime | None:
        """When the next timer function is due."""
        return self._triggers.next_timer

    async def settle(self) -> None:
        """Returns when no timer function and no instance can do anything more without time passing."""
        await self._triggers.settle()
        await self.hub.settle()  # also what those functions have started

    async def storage_wait(self) -> datetime:
        """When a binding asks storage again that is away; comes as soon as one waits for that."""
        return await self._patience.next_wait()

    async def run_by_hand(self, function: str, text: str) -> str | None:
        """Calls a function as its trigger would: a queue function for a message, a timer function now.

        Returns:
            What an activity returns, as JSON text.

        Raises:
            FunctionFailed: it failed, or there is none of the name.
        """
        found = next((f for f in self.index.functions if f.name.lower() == function.lower()), None)
        if found is not None and found.trigger.type != "activityTrigger":
            await self._triggers.run_by_hand(found, text)
            return None
        outcome = await self.worker.invoke(function, text_datum(text))  # which says why it cannot be called
        return outcome.result and str(outcome.result.value)

    async def stop(self, *, grace: float | None = None) -> None:
        """Refuses new requests and ends what runs, in about `grace` seconds (the options' by default)."""
        grace = self.options.grace if grace is None else grace
        deadline = time.monotonic() + grace
        self._patience.end()
        await self._triggers.stop(grace=grace)  # the functions that they run may still need the server
        if self._time_skip is not None:
            self._time_skip.cancel()
        if self._server is not None:
            await self._server.stop(grace=max(0.0, deadline - time.monotonic()))
        await self.hub.stop(grace=max(0.0, deadline - time.monotonic()))
        await self.worker.stop(grace=max(0.0, deadline - time.monotonic()))
        self._variables.unset()
        await self._connections.close()
        for end in ends_of_log():
            end.removeHandler(self._recent)

    async def _serve(self, reserved: socket.socket, cors: CorsSettings) -> None:
        starter = client_binding(
            origin=self.origin, rpc_origin=f"http://{LOOPBACK}:{self.port}", hub_name=self.settings.hub_name
        )

        async def client(_binding: Binding, _data: BindingData) -> Datum:
            return text_datum(starter)

        self.worker.provide_input("durableClient", client)
        self._variables.set()
        self.worker.start()
        found = await self.worker.index(route_prefix=self.settings.route_prefix)
        chosen = _chosen(found, self.options.functions)
        self.index = _without_disabled(_limited_to(chosen, self.settings.functions))
        for binding in self.index.lacking_outputs:
            self.worker.provide_output(binding.type, _drop)
        load_errors = await self.worker.load(self.index.functions, self.index.errors)
        await self._warm_up()
        self._server = HttpServer(
            self.index,
            self.worker,
            ManagementApi(self.hub, hub_name=self.settings.hub_name),
            AdminApi(
                self.index,
                self.run_by_hand,
                lambda: self.errors,
                OverviewApi(
                    Overview(
                        self.hub,
                        self._triggers.timer_states,
                        self._triggers.queue_states,
                        self._recent.of_instance,
                    )
                ),
                route_prefix=self.settings.route_prefix,
            ),
            AccessRules(host_names=self.options.allowed_hosts, cors=cors),
            route_prefix=self.settings.route_prefix,
            options=self.settings.http,
        )
        await self._server.start(reserved)
        if self.index.failure is None:
            await self.hub.start()
        else:  # what jobs there are wait for their code
            self.hub.hold_back(self.index.failure.reason)
        if isinstance(self._hub_clock, SkippingClock):
            self._time_skip = asyncio.create_task(skip_time(self.hub, self._hub_clock))
        self._triggers.start(self.index.functions)
        self._tell(load_errors)

    async def _warm_up(self) -> None:
        """Runs the app's warm-up function, as Azure does for an instance that has no request yet."""
        for function in self.index.functions:
            if function.is_warm_up:
                with contextlib.suppress(FunctionFailed):  # logged where it ran
                    await self.worker.invoke(function.name, text_datum(""))

    def _tell(self, load_errors: Iterable[FunctionLoadError]) -> None:
        """Logs what keeps functions from being called, and what may surprise."""
        errors: tuple[IndexingError | FunctionLoadError, ...] = (
            *self.index.errors,
            *load_errors,
            *self._triggers.errors,
        )
        self.in_error = tuple(sorted({error.function for error in errors}))
        self.errors = tuple(map(str, errors))
        if self.index.failure is not None:
            logger.error("%s", self.index.failure)
            self.in_error = (self.index.failure.script.name,)
            self.errors = (str(self.index.failure), *self.errors)
        for error in errors:
            logger.error("%s", error)
        for warning in (*self.settings.warnings, *self.index.warnings):
            logger.warning("%s", warning)


async def _drop(binding: Binding, _value: Datum, _data: BindingData) -> None:
    logger.error(
        "Dropped what goes out at '%s': this host lacks the binding type '%s'.", binding.name, binding.type
    )


def _chosen(index: Index, names: Collection[str]) -> Index:
    """The functions of these names, or all of them if there are no names.

    Raises:
        UnknownFunctions: the app has none of some name.
    """
    known = {found.name.lower() for found in index.functions} | {e.function.lower() for e in index.errors}
    if unknown := set(names) - known:
        raise UnknownFunctions(unknown, (function.name for function in index.functions))
    return _limited_to(index, names)


def _limited_to(index: Index, names: Collection[str]) -> Index:
    """The functions of these names that there are, or all of them if there are no names."""
    if not names:
        return index
    return replace(
        index,
        functions=tuple(function for function in index.functions if function.name.lower() in names),
        errors=tuple(error for error in index.errors if error.function.lower() in names),
    )


def _without_disabled(index: Index) -> Index:
    for function in index.functions:
        if is_disabled(function.name):
            logger.info("The function '%s' is disabled by its setting.", function.name)
    enabled = tuple(function for function in index.functions if not is_disabled(function.name))
    return replace(index, functions=enabled)


def _timers_file(state: str) -> Path | None:
    return None if state == IN_MEMORY else Path(state + FILE_SUFFIX)


def _open_store(options: HostOptions) -> Store:
    try:
        if options.fresh and options.state != IN_MEMORY:
            _delete_state(options.state)
        return Store.open(options.state)
    except (OSError, sqlite3.DatabaseError) as error:
        raise StateUnusable(options.state, error) from error


def _delete_state(state: str) -> None:
    if Path(state).exists():
        with contextlib.closing(sqlite3.connect(state, isolation_level=None, timeout=0.2)) as connection:
            lock(connection, state)  # refuses to delete what another host has open
    for suffix in ("", "-wal", "-shm", "-journal", FILE_SUFFIX):
        Path(state + suffix).unlink(missing_ok=True)
