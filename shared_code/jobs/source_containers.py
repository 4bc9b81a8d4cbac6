"""Which containers of the files' storage account jobs may read; it opens none."""

import re
from dataclasses import dataclass
from typing import Self

from shared_code.errors import ContainerNotAllowed

CONTAINER_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])+")
JOBS_CONTAINER = "jobs"
TASK_HUB = "asyncjobs"
# The account of the files may be the host's own: its keys, the packages of the code and the task hub's
# payloads are no documents. The deployment containers are those that Azure's tools and pipelines make.
_HOST_CONTAINER = re.compile(
    rf"azure-webjobs-.*|{TASK_HUB}-.*|app-package.*|deploymentpackage.*"
    r"|(function|scm)-releases|(github-actions|azure-pipelines)-deploy"
)


@dataclass(frozen=True)
class SourceContainers:
    """The containers that hold files to embed; without names: all but the app's and the host's own."""

    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads names that are separated by commas.

        Raises:
            ValueError: one of them is no container's name, or a container that no job may read.
        """
        names = frozenset(name.strip() for name in text.split(",") if name.strip())
        for name in sorted(names):
            if not CONTAINER_NAME.fullmatch(name):
                raise ValueError("use the names of containers, separated by commas")
            if _is_reserved(name):
                raise ValueError(f"leave out {name}, which is the app's or the host's own")
        return cls(names)

    def require(self, container: str) -> None:
        """Refuses a container that is not among them.

        Raises:
            ContainerNotAllowed: it is the app's or the host's own, or not listed.
        """
        if _is_reserved(container):
            raise ContainerNotAllowed(container, "belongs to the app or its host")
        if self.names and container not in self.names:
            raise ContainerNotAllowed(container, "is not among those that this app reads")


def _is_reserved(name: str) -> bool:
    return name == JOBS_CONTAINER or bool(_HOST_CONTAINER.fullmatch(name))
