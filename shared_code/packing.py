"""Cutting a sequence into batches that fill their limits; knows nothing of what it packs."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def packed(
    items: Iterable[Item], weight_of: Callable[[Item], int], *, most_weight: int, most_items: int
) -> Iterator[list[Item]]:
    """Batches in order; an item that is too heavy by itself gets a batch of its own."""
    batch: list[Item] = []
    total = 0
    for item in items:
        weight = weight_of(item)
        if batch and (len(batch) == most_items or total + weight > most_weight):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += weight
    if batch:
        yield batch
