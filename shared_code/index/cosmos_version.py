"""Where one version of an environment's index lies in its container.

Records share a partition, so that a range of names is one query; the chunks of a source have their own.
"""

from hashlib import blake2b

from shared_code.index.cosmos_container import CosmosContainer
from shared_code.index.cosmos_partition import CosmosPartition


class CosmosVersion:
    """The partitions of one index version."""

    def __init__(self, container: CosmosContainer, name: str) -> None:
        """Opens nothing; `name` is different for each version of each environment, such as `prod|v1`."""
        self.container = container
        self.name = name

    @property
    def records(self) -> CosmosPartition:
        """The partition of the records of all sources."""
        return self._partition(self.name)

    def chunks_of(self, source: str) -> CosmosPartition:
        """The partition of a source's chunks, or of an event's documents."""
        return self._partition(f"{self.name}|{source_key(source)}")

    def _partition(self, key: str) -> CosmosPartition:
        return CosmosPartition(self.container.proxy, key, self.container.slots)


def source_key(source: str) -> str:
    """An id for a source: ids may not have every character that names have."""
    return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
