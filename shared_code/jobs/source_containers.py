"""Which containers of the files' storage account jobs may read; it opens none.

ADR 23 has the reasons.
"""

import re
from dataclasses import dataclass
from typing import Self

from shared_code.errors import ContainerNotAllowed

CONTAINER_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])+")
JOBS_CONTAINER = "jobs"
# The account of the files may be the host's own: its keys, the packages of the code and the payloads of task
# hubs (those of other slots and apps, too) are not documents. The deployment containers are those that
# Azure's tools and pipelines make.
_HOST_CONTAINER = re.compile(
    r"azure-webjobs-.*|[a-z0-9]+-(largemessages|applease)|app-package.*|deploymentpackage.*"
    r"|(function|scm)-releases|(github-actions|azure-pipelines)-deploy"
)


@dataclass(frozen=True)
class SourceContainers:
    """The containers that hold files to embed.

    Attributes:
        names: of those that may be read; without any: all but the app's and the host's own.
        task_hub: name of the task hub, whose own containers begin with it.
    """

    names: frozenset[str]
    task_hub: str

    @classmethod
    def parse(cls, text: str, *, task_hub: str) -> Self:
        """Reads names that are separated by commas.

        Raises:
            ValueError: one of them is not a container's name, or is a container that no job may read.
        """
        containers = cls(frozenset(), task_hub)
        names = frozenset(name.strip() for name in text.split(",") if name.strip())
        for name in sorted(names):
            if not CONTAINER_NAME.fullmatch(name):
                raise ValueError("use the names of containers, separated by commas")
            if containers._is_reserved(name):
                raise ValueError(f"leave out {name}, which is the app's or the host's own")
        return cls(names, task_hub)

    def require(self, container: str) -> None:
        """Refuses a container that is not among them.

        Raises:
            ContainerNotAllowed: it is the app's or the host's own, or not listed.
        """
        if self._is_reserved(container):
            raise ContainerNotAllowed(container, "belongs to the app or its host")
        if self.names and container not in self.names:
            raise ContainerNotAllowed(container, "is not among those that this app reads")

    def _is_reserved(self, name: str) -> bool:
        is_of_hub = name.startswith(f"{self.task_hub.lower()}-")
        return name == JOBS_CONTAINER or is_of_hub or bool(_HOST_CONTAINER.fullmatch(name))
