"""The registry of services and their common end; requests are sent by what it hands out."""

import asyncio
from types import TracebackType
from typing import ClassVar, Self

from shared_code.http_pool.caller import ServiceCaller
from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import DuplicateService, PoolClosed, UnknownService
from shared_code.http_pool.observer import Figures, Hooks
from shared_code.http_pool.service import Service


class ServicePool:
    """All services that a process calls from one event loop: the loop of each service's first request."""

    def __init__(self, *, hooks: Hooks | None = None, clock: Clock | None = None) -> None:
        self._hooks = hooks or Hooks()
        self._clock = clock or Clock()
        self._services: dict[str, ServiceCaller] = {}
        self._retired: list[ServiceCaller] = []
        self._closed = False

    def register(self, service: Service) -> ServiceCaller:
        """Makes a service known; its connections are opened by its first requests.

        Raises:
            DuplicateService: its name is taken.
        """
        if self._closed:
            raise PoolClosed(service.name)
        if service.name in self._services:
            raise DuplicateService(service.name)
        caller = ServiceCaller(service, self._hooks, self._clock)
        self._services[service.name] = caller
        return caller

    def retire(self, name: str) -> None:
        """Frees the name of a service for another; whoever calls the one that had it may go on."""
        self._retired.append(self._services.pop(name))

    def service(self, name: str) -> ServiceCaller:
        """The service of this name.

        Raises:
            UnknownService: there is none.
        """
        if name not in self._services:
            raise UnknownService(name, sorted(self._services))
        return self._services[name]

    def figures(self) -> dict[str, Figures]:
        """The figures of every service by its name."""
        return {name: caller.figures() for name, caller in self._services.items()}

    async def close(self, *, drain: float = 10.0) -> None:
        """Sends nothing new, waits this many seconds for what is under way, then cuts every connection."""
        self._closed = True
        callers = [*self._services.values(), *self._retired]
        await asyncio.gather(*(caller.close(drain) for caller in callers))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class ServiceClient:
    """Base of typed clients: `service_name` names the service, and methods make its calls through `http`."""

    service_name: ClassVar[str]

    def __init__(self, pool: ServicePool) -> None:
        self.http = pool.service(self.service_name)
