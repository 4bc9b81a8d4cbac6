"""The vectors of a property, compared with a question one by one: exact, and quick enough for a laptop."""

from array import array
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from local.emulators.cosmos.containers import VectorPath

Vector = NDArray[np.float32]

_ROWS_A_BLOCK = 16_384
_QUESTIONS = 4


class Vectors:
    """The vectors of some rows, in blocks, so that no more of them is copied when there are more."""

    def __init__(self, path: VectorPath) -> None:
        self._path = path
        self._blocks: list[Vector] = []
        self._lengths = array("f")
        self._rows = array("i")
        # A hybrid search asks twice, and vectors do not change: only those that came meanwhile are compared.
        self._products: OrderedDict[bytes, Vector] = OrderedDict()

    def add(self, row: int, vector: Vector) -> None:
        """Appends the vector of a row; rows may be left out."""
        place = len(self._rows) % _ROWS_A_BLOCK
        if place == 0:
            self._blocks.append(np.empty((_ROWS_A_BLOCK, self._path.dimensions), np.float32))
        self._blocks[-1][place] = vector
        self._lengths.append(float(np.linalg.norm(vector)))
        self._rows.append(row)

    def scores(self, question: Vector, rows: int) -> NDArray[np.float64]:
        """The distance of each row's vector from a question; NaN for a row that has none."""
        found = np.full(rows, np.nan)
        if len(self._rows):
            found[np.array(self._rows, dtype=np.int32)] = self._distances(question)
        return found

    def _distances(self, question: Vector) -> NDArray[np.float64]:
        products = self._all_products(question).astype(np.float64)
        if self._path.function == "dotproduct":
            return products
        lengths, length = np.array(self._lengths, dtype=np.float64), float(np.linalg.norm(question))
        if self._path.function == "euclidean":
            return np.sqrt(np.maximum(lengths**2 + length**2 - 2.0 * products, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(products / (lengths * length))

    def _all_products(self, question: Vector) -> Vector:
        key = question.tobytes()
        known = self._products.pop(key, np.zeros(0, np.float32))
        parts, count = [known], len(known)
        while count < len(self._rows):
            block, start = divmod(count, _ROWS_A_BLOCK)
            end = min(_ROWS_A_BLOCK, len(self._rows) - block * _ROWS_A_BLOCK)
            parts.append(self._blocks[block][start:end] @ question)
            count += end - start
        self._products[key] = np.concatenate(parts)
        if len(self._products) > _QUESTIONS:
            self._products.popitem(last=False)
        return self._products[key]
