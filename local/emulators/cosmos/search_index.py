"""What searches of a container look at, in memory: vectors, the words of texts, the values of properties.

It is filled from the store when a search first asks for something, and follows what is written after that. A
row here is a slot of the store; the rows of slots that were given up stay, but are dead.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.evaluation import child
from local.emulators.cosmos.items import Contents, StoredItem
from local.emulators.cosmos.store import Store
from local.emulators.cosmos.syntax import UNDEFINED
from local.emulators.cosmos.texts import Counts, Scores, Statistics, Texts
from local.emulators.cosmos.values import canonical, type_of
from local.emulators.cosmos.vectors import Vector, Vectors

Keys = tuple[str | int, ...]
Mask = NDArray[np.bool_]

_FEW_ROWS = 10_000
_CONDITIONS = 4


PARTITION: Keys = ("\0partition",)
"""Stands for the partition of an item among the columns."""


class Column:
    """The values of a property: each different one once, and its number for every row."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Any], int] = {}
        self._values: list[Any] = []
        self._rows = array("i")
        # All parts of a hybrid search have the same conditions, and most searches those of the last one.
        self._passed: OrderedDict[str, list[bool]] = OrderedDict()

    def add(self, value: Any) -> None:
        """Appends the value of the next row."""
        kind = type_of(value)
        key = kind, canonical(value) if kind in {"array", "object"} else value
        number = self._numbers.setdefault(key, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        self._rows.append(number)

    def where(self, condition: str, test: Callable[[Any], Any]) -> Mask:
        """The rows whose value passes a test; no other test has the name of this one, `condition`."""
        passed = self._passed.pop(condition, [])
        passed += [test(value) is True for value in self._values[len(passed) :]]
        self._passed[condition] = passed
        if len(self._passed) > _CONDITIONS:
            self._passed.popitem(last=False)
        return np.array(passed, bool)[np.array(self._rows, dtype=np.int32)]


class _Parts:
    """What is kept of the items, row by row."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.columns: dict[Keys, Column] = {}
        self.texts: dict[Keys, Texts] = {}
        self.vectors: dict[str, Vectors] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self.columns and not self.texts and not self.vectors

    def missing(self, columns: Iterable[Keys], texts: Iterable[Keys], vectors: Iterable[str]) -> "_Parts":
        """What is asked for and not kept yet, without a row."""
        paths = {path.name: path for path in self._container.vector_paths}
        parts = _Parts(self._container)
        parts.columns = {keys: Column() for keys in columns if keys not in self.columns}
        parts.texts = {keys: Texts() for keys in texts if keys not in self.texts}
        parts.vectors = {name: Vectors(paths[name]) for name in vectors if name not in self.vectors}
        return parts

    def update(self, parts: "_Parts") -> None:
        """Keeps what other parts have, too; they have the same rows."""
        self.columns |= parts.columns
        self.texts |= parts.texts
        self.vectors |= parts.vectors

    def add(self, row: int, stored: StoredItem | None, partition: str) -> None:
        """Appends the next row; an empty one for an item that is gone."""
        value: Any = UNDEFINED
        if stored is not None and (self.texts or self.columns.keys() - {PARTITION}):
            value = stored.value(self._container, Contents(vectors=False))
        for keys, column in self.columns.items():
            column.add(partition if keys == PARTITION else _get(value, keys))
        for keys, text in self.texts.items():
            text.add(_get(value, keys))
        if stored is not None and stored.vectors is not None and self.vectors:
            found = self._container.join({}, stored.vectors)
            for name in self.vectors.keys() & found.keys():
                self.vectors[name].add(row, found[name])


class SearchIndex:
    """The index of one container, as the container was when it was last refreshed."""

    def __init__(self, store: Store, container: Container) -> None:
        self._store = store
        self.container = container
        self._forgotten = store.last_forgotten()
        self._clear()

    def _clear(self) -> None:
        self._seen = 0
        self._slots = array("q")
        self._rows: dict[int, int] = {}
        self._alive = bytearray()
        self._dead = 0
        self._parts = _Parts(self.container)

    def refresh(self, most: int | None = None) -> bool:
        """Brings it up to date, or takes `most` new items in; whether there may be more of them."""
        self._forget()
        if self._dead > max(_FEW_ROWS, len(self) // 2):
            self._clear()
            most = None  # with some of its rows alone, it would be wrong
        newest, before = self._store.last_slot(), len(self)
        if newest <= self._seen:
            return False
        for partition, stored in islice(self._store.behind(self.container, self._seen), most):
            self._add(partition, stored)
        if len(self) - before == most:
            self._seen = self._slots[-1]
            return True
        self._seen = max([newest, *self._slots[-1:]])
        return False

    def __len__(self) -> int:
        """The number of rows, dead ones included."""
        return len(self._slots)

    @property
    def alive(self) -> Mask:
        """The rows whose items are there."""
        return np.array(self._alive, dtype=np.uint8).astype(bool)

    def slots(self, rows: Iterable[int]) -> list[int]:
        """Where the store has the items of some rows."""
        return [self._slots[row] for row in rows]

    def require(self, columns: Iterable[Keys], texts: Iterable[Keys], vectors: Iterable[str]) -> None:
        """Reads what was not asked for before from all items at once."""
        added = self._parts.missing(columns, texts, vectors)
        if added.is_empty:
            return
        row = 0
        for partition, stored in self._store.behind(self.container, 0):
            known = self._rows.get(stored.slot)
            if known is None:
                continue  # it came a moment ago, and the next search finds it
            for gone in range(row, known):
                added.add(gone, None, "")
            added.add(known, stored, partition)
            row = known + 1
        for gone in range(row, len(self)):
            added.add(gone, None, "")
        self._parts.update(added)

    def column(self, keys: Keys) -> Column:
        """The values of a property, which was required before."""
        return self._parts.columns[keys]

    def scores(self, name: str, question: Vector) -> NDArray[np.float64]:
        """The distance of each row's vector from a question."""
        return self._parts.vectors[name].scores(question, len(self))

    def lengths(self, keys: Keys) -> Counts:
        """The number of words of each row's text."""
        return self._parts.texts[keys].lengths

    def found(self, keys: Keys, phrase: str) -> Mask:
        """The rows in whose text the words of a phrase stand, one after another."""
        mask = np.zeros(len(self), bool)
        mask[self._parts.texts[keys].found(phrase).rows] = True
        return mask

    def relevance(self, keys: Keys, phrases: Sequence[str], statistics: Statistics) -> Scores:
        """The BM25 score of each row's text for some words or phrases."""
        return self._parts.texts[keys].relevance(phrases, statistics)

    def _forget(self) -> None:
        for number, slot in self._store.forgotten(self._forgotten):
            self._forgotten = number
            row = self._rows.pop(slot, None)
            if row is not None:
                self._alive[row] = 0
                self._dead += 1

    def _add(self, partition: str, stored: StoredItem) -> None:
        row = len(self._slots)
        self._slots.append(stored.slot)
        self._rows[stored.slot] = row
        self._alive.append(1)
        self._parts.add(row, stored, partition)


def _get(value: Any, keys: Keys) -> Any:
    for key in keys:
        value = child(value, key)
    return value
