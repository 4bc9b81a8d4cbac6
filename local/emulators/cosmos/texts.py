"""The words of the texts of a property, kept so that few of them are looked at for a question.

All words stand one after another, as numbers. Whenever a block of texts is full, the places of its words are
sorted by word; the words of the last block are looked through. A text never changes: what was found in a
block is kept for the next question, and so are scores.
"""

import math
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from local.emulators.cosmos.words import folded, spelled, words

Numbers = NDArray[np.int32]
Places = NDArray[np.int32]
Rows = NDArray[np.uint16]
Counts = NDArray[np.int64]
Hits = tuple[Places, Counts]
Scores = NDArray[np.float64]

# As is usual for BM25: how soon more of a word counts no more, and how much longer texts are held back.
_SATURATION, _LENGTH_SHARE = 1.2, 0.75
_ROWS_A_BLOCK = 1024
_PHRASES, _QUESTIONS = 64, 4
_UNKNOWN = -1

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Statistics:
    """What BM25 has to know of a whole container.

    Attributes:
        documents: how many items there are.
        words: how many words they have together.
        hits: in how many of them each word or phrase of a question stands.
    """

    documents: int
    words: int
    hits: tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """The rows in which a phrase stands, in their order, and how often in each.

    Attributes:
        blocks: how many blocks were looked at.
    """

    rows: Places = field(default_factory=lambda: np.zeros(0, np.int32))
    often: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    blocks: int = 0

    def since(self, row: int) -> Hits:
        """Those from a row on."""
        first = int(np.searchsorted(self.rows, row))
        return self.rows[first:], self.often[first:]

    def extended(self, hits: Sequence[Hits]) -> "Found":
        """The same with what was found in the blocks that follow."""
        places = enumerate(hits, start=self.blocks)
        rows = [self.rows, *(rows + number * _ROWS_A_BLOCK for number, (rows, _) in places)]
        often = [self.often, *(often for _, often in hits)]
        return Found(np.concatenate(rows), np.concatenate(often), self.blocks + len(hits))


class _OpenBlock:
    """The words of some texts, one after another, and the row of each; looked through word by word."""

    def __init__(self, numbers: Numbers, rows: Rows) -> None:
        self._numbers = numbers
        self._rows = rows

    def found(self, phrase: Sequence[int]) -> Hits:
        """The rows in which words stand one after another, and how often in each."""
        starts = self._places(phrase[0])
        for distance, number in enumerate(phrase[1:], start=1):
            starts = starts[np.isin(starts + distance, self._places(number))]
            starts = starts[self._rows[starts] == self._rows[starts + distance]]
        counts = np.bincount(self._rows[starts])
        rows = np.flatnonzero(counts)
        return rows.astype(np.int32), counts[rows]

    def _places(self, number: int) -> NDArray[np.integer]:
        """Where a word stands, in order."""
        return np.flatnonzero(self._numbers == number)


class _Block(_OpenBlock):
    """The same, sorted by word, and each word with its rows."""

    def __init__(self, numbers: Numbers, rows: Rows) -> None:
        order = np.argsort(numbers, kind="stable")
        super().__init__(numbers[order], rows)
        self._order = order.astype(np.int32)
        numbers, rows = self._numbers, rows[order]
        is_new = np.diff(numbers, prepend=_UNKNOWN).astype(bool) | np.diff(rows, prepend=0).astype(bool)
        firsts = np.flatnonzero(is_new)
        self._hits = rows[firsts], np.diff(firsts, append=len(numbers))
        self._words = numbers[firsts]

    def found(self, phrase: Sequence[int]) -> Hits:
        """The rows in which words stand one after another, and how often in each."""
        if len(phrase) > 1:
            return super().found(phrase)
        hits = _run(self._words, phrase[0])
        return self._hits[0][hits].astype(np.int32), self._hits[1][hits]

    def _places(self, number: int) -> NDArray[np.integer]:
        return self._order[_run(self._numbers, number)]


def _run(numbers: Numbers, number: int) -> slice:
    """Where a number stands among sorted ones."""
    # For a number of another type, numpy would copy all of them.
    of_their_type = numbers.dtype.type(number)
    return slice(
        np.searchsorted(numbers, of_their_type), np.searchsorted(numbers, of_their_type, side="right")
    )


class _Vocabulary(dict[str, int]):
    """The numbers of words by their spelling; zero for those that are in every text."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __missing__(self, spelling: str) -> int:
        word = folded(spelling)
        self[spelling] = self.numbers.setdefault(word, len(self.numbers) + 1) if word else 0
        return self[spelling]


class Texts:
    """The words of a property of each row."""

    def __init__(self) -> None:
        self._vocabulary = _Vocabulary()
        self._words = array("i")
        self._ends = array("q")
        self._blocks: list[_Block] = []
        self._sorted = 0
        self._open: _OpenBlock | None = None
        # In full blocks. A hybrid search asks for the same words several times, the next one for some.
        self._found: OrderedDict[tuple[str, ...], Found] = OrderedDict()
        self._scores: OrderedDict[tuple[tuple[str, ...], Statistics], Scores] = OrderedDict()

    def add(self, text: Any) -> None:
        """Appends the text of the next row; anything else has no words."""
        if isinstance(text, str):
            numbers = map(self._vocabulary.__getitem__, spelled(text))
            self._words.extend(filter(None, numbers))
        self._ends.append(self._sorted + len(self._words))
        self._open = None
        if len(self._ends) % _ROWS_A_BLOCK == 0:
            self._blocks.append(_Block(*self._unsorted()))
            self._sorted += len(self._words)
            del self._words[:]

    @property
    def lengths(self) -> Counts:
        """The number of words of each row."""
        ends = np.array(self._ends, dtype=np.int64)
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1]
        return ends - starts

    def found(self, phrase: str) -> Found:
        """Where the words of a phrase stand, one after another."""
        spelled_out = tuple(words(phrase))
        if not spelled_out:
            return Found()
        known = self._found.pop(spelled_out, Found())
        numbers = [self._vocabulary.numbers.get(word, _UNKNOWN) for word in spelled_out]
        known = known.extended([block.found(numbers) for block in self._blocks[known.blocks :]])
        _keep(self._found, spelled_out, known, _PHRASES)
        return known.extended([self._last_block().found(numbers)])

    def relevance(self, phrases: Sequence[str], statistics: Statistics) -> Scores:
        """The BM25 score of each row for some words or phrases."""
        key = tuple(phrases), statistics
        known = self._scores.pop(key, np.zeros(0))
        scores = np.concatenate([known, np.zeros(len(self._ends) - len(known))])
        if len(known) < len(scores):
            norms = self._norms(statistics)
            for phrase, hits in zip(phrases, statistics.hits, strict=True):
                rows, often = self.found(phrase).since(len(known))
                rarity = math.log(1 + max(statistics.documents - hits + 0.5, 0.5) / (hits + 0.5))
                scores[rows] += rarity * often * (_SATURATION + 1) / (often + norms[rows])
        _keep(self._scores, key, scores, _QUESTIONS)
        return scores

    def _norms(self, statistics: Statistics) -> Scores:
        """What holds longer texts back, for each row."""
        average = max(statistics.words / statistics.documents, 1.0) if statistics.documents else 1.0
        lengths = self.lengths.astype(np.float64)
        return _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * lengths / average)

    def _last_block(self) -> _OpenBlock:
        """The words of the texts that are not sorted yet."""
        if self._open is None:
            self._open = _OpenBlock(*self._unsorted())
        return self._open

    def _unsorted(self) -> tuple[Numbers, Rows]:
        ends = np.array(self._ends[len(self._blocks) * _ROWS_A_BLOCK :], dtype=np.int64) - self._sorted
        rows = np.repeat(np.arange(len(ends), dtype=np.uint16), np.diff(ends, prepend=0))
        return np.array(self._words, dtype=np.int32), rows


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)
