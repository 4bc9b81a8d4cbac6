"""The engine as its clients see it: start, ask, raise, terminate, suspend, resume, restart, purge."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from devhost.engine import history
from devhost.engine.actions import Action
from devhost.engine.callees import knows
from devhost.engine.clock import Clock, SystemClock
from devhost.engine.dispatcher import Dispatcher
from devhost.engine.dotnet_json import to_json
from devhost.engine.entity import EntityState, request
from devhost.engine.episode import new_instance
from devhost.engine.errors import (
    EntityProtected,
    InstanceEnded,
    InstanceNotEnded,
    InstanceNotFound,
    InvalidTransition,
    UnknownEntity,
)
from devhost.engine.executor import FunctionExecutor
from devhost.engine.history import HistoryEvent
from devhost.engine.instance import TERMINAL, Instance, InstanceQuery, RuntimeStatus, entity_id, is_entity_id
from devhost.engine.listing import Listed, ListQuery, Record
from devhost.engine.options import HubOptions
from devhost.engine.rewind import Rewound, rewind
from devhost.engine.store import Store
from devhost.engine.work import ActivityCall, Checkpoint, Message

_PAGE = 500


class TaskHub:
    """A running task hub. Everything that a method promises is stored when it returns.

    Attributes:
        held_back: why nothing is run, if nothing is.
    """

    def __init__(
        self,
        store: Store,
        executor: FunctionExecutor,
        *,
        options: HubOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock or SystemClock()
        self._options = options or HubOptions()
        self._dispatcher = Dispatcher(store, executor, self._clock, self._options)
        self.held_back = ""

    async def start(self) -> None:
        """Goes on with what an earlier host left unfinished."""
        await self._dispatcher.start()

    def hold_back(self, reason: str) -> None:
        """Runs nothing, for a reason; what there is waits for a start."""
        self.held_back = reason

    async def stop(self, *, grace: float) -> None:
        """Stops after at most `grace` seconds for what is running, and closes the store."""
        await self._dispatcher.stop(grace=grace)
        self._store.close()

    @property
    def next_timer(self) -> datetime | None:
        """When the next durable timer is due."""
        return self._dispatcher.next_timer

    async def settle(self) -> None:
        """Returns when nothing runs or waits to run; timers of the future are not waited for."""
        await self._dispatcher.settle()

    async def start_orchestration(
        self,
        name: str,
        *,
        instance_id: str | None = None,
        input_text: str | None = None,
        version: str | None = None,
    ) -> str:
        """Starts an orchestration and returns its id; an ended instance of the id is replaced.

        Raises:
            InstanceAlreadyExists: an instance of the id has not ended, and the options keep it.
            EntityProtected: the id is that of an entity.
        """
        if instance_id is not None and self._is_of_an_entity(instance_id):
            raise EntityProtected(instance_id, "start")
        new = new_instance(
            self._clock.now(),
            name=name,
            instance_id=instance_id or uuid.uuid4().hex,
            input_text=input_text,
            version=version or self._options.versions.default,
        )
        await self._store.create_instance(new, replaces_running=self._options.replaces_running)
        self._dispatcher.wake(new.instance.instance_id)
        return new.instance.instance_id

    async def get_instance(self, instance_id: str) -> Instance | None:
        """The instance, or `None`; ids are case-sensitive."""
        return await self._store.get_instance(instance_id)

    async def get_with_input(self, instance_id: str) -> tuple[Instance | None, str | None]:
        """The instance, or `None`, and what it was started with, both as they are at one moment."""
        return await self._store.get_with_input(instance_id)

    async def get_input(self, instance_id: str) -> str | None:
        """The JSON text that an instance was started with; of an entity what it holds."""
        return (await self.get_inputs([instance_id])).get(instance_id)

    async def get_inputs(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """The inputs of instances that have one, by their ids."""
        return await self._store.get_inputs(instance_ids)

    async def list_instances(
        self, query: InstanceQuery, *, top: int = 100, after: str | None = None
    ) -> list[Instance]:
        """At most `top` instances whose ids come after `after`, in order of their ids."""
        return await self._store.list_instances(query, top, after or "")

    async def list_newest(self, query: ListQuery) -> list[Listed]:
        """A page of orchestrations by their age."""
        return await self._store.list_newest(query)

    async def get_record(self, instance_id: str, position: int, most: int) -> tuple[Listed, Record]:
        """An instance, and at most `most` events of its history from a position on.

        Raises:
            InstanceNotFound: there is no such instance.
        """
        found = await self._store.get_record(instance_id, position, most)
        if found is None:
            raise InstanceNotFound(instance_id)
        return found

    @property
    def revision(self) -> int:
        """Grows whenever an instance changes, or an activity begins or ends."""
        return self._store.revision + self._dispatcher.begun

    async def get_history(self, instance_id: str) -> list[HistoryEvent]:
        """The events of the instance's current execution, as the SDK gets them."""
        return await self._store.get_history(instance_id)

    async def get_activity_starts(self, instance_id: str) -> dict[int, datetime]:
        """When the activities of the current execution began to run, by task id; those that wait are absent.

        Raises:
            InstanceNotFound: there is no such instance.
        """
        running = self._dispatcher.running_since(await self._existing(instance_id))
        return await self._store.get_activity_starts(instance_id) | running

    async def get_messages(self, instance_id: str) -> list[tuple[datetime | None, HistoryEvent]]:
        """The events on their way to an instance, each with its time of arrival; `None` for at once."""
        return await self._store.get_messages(instance_id)

    @property
    def executor(self) -> FunctionExecutor:
        """What runs the app's functions."""
        return self._executor

    @property
    def options(self) -> HubOptions:
        """The limits and defaults of the hub."""
        return self._options

    def starts(self, action: Action) -> bool:
        """Whether an action starts anything: with strict parity, not if what it calls does not exist."""
        return not self._options.strict_parity or knows(self._executor, action)

    @property
    def now(self) -> datetime:
        """The time by the hub's clock."""
        return self._clock.now()

    @property
    def running(self) -> list[tuple[ActivityCall, datetime]]:
        """The activities that have a slot, and when each got it."""
        return self._dispatcher.running

    @property
    def in_hand(self) -> Mapping[str, datetime]:
        """The instances and entities whose code runs now, and since when."""
        return self._dispatcher.in_hand

    def is_at(self, instance_id: str) -> bool:
        """Whether an instance is in hand, or waits to be."""
        return self._dispatcher.is_at(instance_id)

    async def raise_event(self, instance_id: str, name: str, data: str) -> None:
        """Sends an external event; `data` is JSON text.

        Raises:
            InstanceNotFound: there is no such instance.
            InstanceEnded: it takes no more events.
        """
        instance = await self._existing(instance_id)
        if instance.status.is_terminal and not instance.is_entity:
            raise InstanceEnded(instance_id, instance.status)
        await self._send(instance_id, history.event_raised(self._clock.now(), name, data))

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        """Ends an instance at once, whatever its code is at; its children go on.

        An entity never ends: it gives up what it is at, tells who waits for that, and keeps its state.

        Raises:
            InstanceNotFound: there is no such instance.
            InstanceEnded: there is nothing left to end.
            EntityProtected: it is an entity that is at nothing.
        """
        if not (self._is_of_an_entity(instance_id) and self._dispatcher.is_at(instance_id)):
            await self._live(instance_id, "terminate")
        event = history.execution_terminated(self._clock.now(), reason)
        await self._store.send(Message(instance_id, event))
        self._dispatcher.end(instance_id)

    async def suspend(self, instance_id: str, reason: str | None) -> None:
        """Keeps an instance from taking events until it is resumed.

        Raises:
            InstanceNotFound: there is no such instance.
            InstanceEnded: it has ended.
            InvalidTransition: it is suspended already.
            EntityProtected: it is an entity.
        """
        instance = await self._live(instance_id, "suspend")
        if instance.status is RuntimeStatus.SUSPENDED:
            raise InvalidTransition(instance_id, "suspend", instance.status)
        await self._send(instance_id, history.execution_suspended(self._clock.now(), reason))

    async def resume(self, instance_id: str, reason: str | None) -> None:
        """Lets a suspended instance go on.

        Raises:
            InstanceNotFound: there is no such instance.
            InstanceEnded: it has ended.
            InvalidTransition: it is not suspended.
            EntityProtected: it is an entity, which cannot be suspended.
        """
        instance = await self._live(instance_id, "resume")
        if instance.status is not RuntimeStatus.SUSPENDED:
            raise InvalidTransition(instance_id, "resume", instance.status)
        await self._send(instance_id, history.execution_resumed(self._clock.now(), reason))

    async def rewind(self, instance_id: str, reason: str | None) -> None:
        """Lets a failed instance try its failed tasks again, and its failed children theirs.

        As on Azure it is pending until its next episode, keeps its output until its end, and hears of the
        rewind only if no child of it has failed: otherwise that child's end is what it goes on with.

        Raises:
            InstanceNotFound: there is no such instance, or no child that failed it.
            InvalidTransition: it has not failed, or the child that failed it has not: it was terminated.
        """
        while True:
            failed = await self._failed_with_children(instance_id)
            if await self._store.rewind([self._rewound(*one, reason) for one in failed]):
                break
        for instance, _ in failed:
            self._dispatcher.wake(instance.instance_id)

    def _rewound(self, instance: Instance, rewound: Rewound, reason: str | None) -> Checkpoint:
        now = self._clock.now()
        news = Message(instance.instance_id, history.generic(now, reason), instance.execution_id)
        return Checkpoint(
            instance=replace(instance, status=RuntimeStatus.PENDING, updated_at=now),
            history=[to_json(event) for event in rewound.history],
            message_ids=[],
            restarted=True,
            messages=[] if rewound.children else [news],
        )

    async def restart(self, instance_id: str, *, new_id: bool) -> str:
        """Starts the same orchestration with the same input again, in the host's version; returns the id.

        Raises:
            InstanceNotFound: there is no such instance.
            InstanceAlreadyExists: its own id is still in use.
            EntityProtected: it is an entity.
        """
        instance, input_text = await self._store.get_with_input(instance_id)
        if instance is None:
            raise InstanceNotFound(instance_id)
        if instance.is_entity:
            raise EntityProtected(instance_id, "restart")
        return await self.start_orchestration(
            instance.name, instance_id=None if new_id else instance_id, input_text=input_text
        )

    async def signal_entity(self, name: str, key: str, operation: str, input_text: str | None) -> None:
        """Sends an entity a request that nobody waits for; `input_text` is JSON text.

        Raises:
            UnknownEntity: no entity function has the name.
        """
        if name.lower() not in map(str.lower, self._executor.entities):
            raise UnknownEntity(name, self._executor.entities)
        now = self._clock.now()
        signal = request(now, operation, input_text, is_signal=True)
        await self._send(entity_id(name, key), history.event_raised(now, "op", signal))

    async def get_entity(self, name: str, key: str) -> EntityState | None:
        """What the entity holds, or `None` if it was never asked anything."""
        stored = await self.get_input(entity_id(name, key))
        return None if stored is None else EntityState.of(stored)

    async def purge(self, instance_id: str) -> None:
        """Forgets an ended instance, or an entity whose code has deleted its state.

        Raises:
            InstanceNotFound: there is no such instance.
            InstanceNotEnded: it still lives.
            EntityProtected: it is an entity that holds a state.
        """
        await self._store.purge(instance_id)

    async def purge_by(self, query: InstanceQuery) -> int:
        """Forgets the ended instances that the query names and returns how many they were."""
        statuses = (query.statuses or TERMINAL) & TERMINAL
        query = replace(query, statuses=statuses)
        purged, after = 0, ""
        while statuses and (page := await self._store.list_instances(query, _PAGE, after)):
            after = page[-1].instance_id
            for instance in page:
                # Another client may purge it or use its id again meanwhile.
                with suppress(InstanceNotFound, InstanceNotEnded, EntityProtected):
                    await self._store.purge(instance.instance_id)
                    purged += 1
        return purged

    async def _failed_with_children(self, instance_id: str) -> list[tuple[Instance, Rewound]]:
        """A failed instance and the failed ones below it, each with its history without the failures."""
        instance = await self._existing(instance_id)
        if instance.status is not RuntimeStatus.FAILED:
            raise InvalidTransition(instance_id, "rewind", instance.status)
        rewound = rewind(await self._store.get_history(instance_id))
        found = [(instance, rewound)]
        for child in rewound.children:
            found += await self._failed_with_children(child)
        return found

    async def _existing(self, instance_id: str) -> Instance:
        instance = await self._store.get_instance(instance_id)
        if instance is None:
            raise InstanceNotFound(instance_id)
        return instance

    def _is_of_an_entity(self, instance_id: str) -> bool:
        """Whether the id is that of an entity of the app, which need not have been asked anything yet."""
        name = instance_id.split("@")[1] if is_entity_id(instance_id) else ""
        return name.lower() in map(str.lower, self._executor.entities)

    async def _live(self, instance_id: str, operation: str) -> Instance:
        """An orchestration that has not ended, for an operation that is not for entities."""
        instance = await self._existing(instance_id)
        if instance.is_entity:
            raise EntityProtected(instance_id, operation)
        if instance.status.is_terminal:
            raise InstanceEnded(instance_id, instance.status)
        return instance

    async def _send(self, instance_id: str, event: HistoryEvent) -> None:
        await self._store.send(Message(instance_id, event))
        self._dispatcher.wake(instance_id)
