"""The words of the texts of a property, kept so that few of them are looked at for a question.

All words stand one after another, as numbers. Whenever a block of texts is full, the places of its words are
sorted by word; the words of the last block are looked through.
"""

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.emulators.cosmos.words import folded, spelled

Places = NDArray[np.int32]
Counts = NDArray[np.int64]

_ROWS_A_BLOCK = 1024
_PHRASES = 64
_NOWHERE = np.zeros(0, np.int32)


class _Block:
    """The places of the words of some texts, sorted by word."""

    def __init__(self, numbers: NDArray[np.int32], rows: Places, start: int) -> None:
        order = np.argsort(numbers, kind="stable")
        self._places = (order + start).astype(np.int32)
        self._rows = rows[order]
        self._numbers, self._firsts = np.unique(numbers[order], return_index=True)

    def places(self, number: int) -> tuple[Places, Places]:
        """Where a word stands, and in which rows."""
        at = int(np.searchsorted(self._numbers, number))
        if at == len(self._numbers) or self._numbers[at] != number:
            return _NOWHERE, _NOWHERE
        end = self._firsts[at + 1] if at + 1 < len(self._firsts) else len(self._places)
        found = slice(self._firsts[at], end)
        return self._places[found], self._rows[found]


class _Vocabulary(dict[str, int]):
    """The numbers of words by their spelling; -1 for those that are in every text."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __missing__(self, spelling: str) -> int:
        word = folded(spelling)
        self[spelling] = self.numbers.setdefault(word, len(self.numbers)) if word else -1
        return self[spelling]


class Texts:
    """The words of a property of each row."""

    def __init__(self) -> None:
        self._vocabulary = _Vocabulary()
        self._words = array("i")
        self._ends = array("q")
        self._blocks: list[_Block] = []
        self._sorted = 0
        self._unsorted: tuple[NDArray[np.int32], Places] | None = None
        # A hybrid search asks for the same words several times.
        self._counts: OrderedDict[tuple[str, ...], Counts] = OrderedDict()

    def add(self, text: Any) -> None:
        """Appends the text of the next row; anything else has no words."""
        if isinstance(text, str):
            numbers = map(self._vocabulary.__getitem__, spelled(text))
            self._words.extend([number for number in numbers if number >= 0])
        self._ends.append(self._sorted + len(self._words))
        if len(self._ends) % _ROWS_A_BLOCK == 0:
            self._blocks.append(_Block(*self._last_block(), self._sorted))
            self._sorted += len(self._words)
            del self._words[:]
            self._unsorted = None

    @property
    def lengths(self) -> Counts:
        """The number of words of each row."""
        ends = np.array(self._ends, dtype=np.int64)
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1]
        return ends - starts

    def counts(self, phrase: Sequence[str]) -> Counts:
        """How often words stand in each row, one after another."""
        key = tuple(phrase)
        known = self._counts.pop(key, None)
        if known is None or len(known) != len(self._ends):
            known = self._counted(phrase)
        self._counts[key] = known
        if len(self._counts) > _PHRASES:
            self._counts.popitem(last=False)
        return known

    def _counted(self, phrase: Sequence[str]) -> Counts:
        if not phrase:
            return np.zeros(len(self._ends), np.int64)
        ends = np.array(self._ends, dtype=np.int64)
        starts, rows = self._places(phrase[0])
        for distance, word in enumerate(phrase[1:], start=1):
            follows = np.isin(starts + distance, self._places(word)[0]) & (starts + distance < ends[rows])
            starts, rows = starts[follows], rows[follows]
        return np.bincount(rows, minlength=len(ends))

    def _places(self, word: str) -> tuple[Places, Places]:
        """Where a word stands, and in which rows."""
        number = self._vocabulary.numbers.get(word)
        if number is None:
            return _NOWHERE, _NOWHERE
        numbers, rows = self._last_block()
        unsorted = np.flatnonzero(numbers == number).astype(np.int32)
        found = [*(block.places(number) for block in self._blocks), (unsorted + self._sorted, rows[unsorted])]
        return np.concatenate([places for places, _ in found]), np.concatenate([rows for _, rows in found])

    def _last_block(self) -> tuple[NDArray[np.int32], Places]:
        """The words that are not sorted yet, and the rows in which they stand."""
        if self._unsorted is None or len(self._unsorted[0]) != len(self._words):
            first = len(self._blocks) * _ROWS_A_BLOCK
            ends = np.array(self._ends[first:], dtype=np.int64) - self._sorted
            rows = np.repeat(np.arange(first, len(self._ends), dtype=np.int32), np.diff(ends, prepend=0))
            self._unsorted = np.array(self._words, dtype=np.int32), rows
        return self._unsorted
