"""The emulators that a benchmark runs against."""

from pathlib import Path

from local.ports import free_port
from local.settings import Port, StackSettings


def local_stack(folder: Path) -> StackSettings:
    """Settings of a stack of the benchmark's own: free ports, and the model without weights."""
    host, blob, queue, table, cosmos, embeddings = (
        Port(name, free_port()) for name in ("HOST", "BLOB", "QUEUE", "TABLE", "COSMOS", "EMBEDDINGS")
    )
    return StackSettings(
        host, blob, queue, table, folder, fresh=False, cosmos=cosmos, embeddings=embeddings, model="hashing"
    )
