"""Vectors as the JSON that one service answers and the other stores.

Their numbers are never read: turning a million of them into text again was most of the work of a large job.
"""

import math
from array import array
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

_NUMBERS = b"0123456789+-.eE, \t\r\n"


@dataclass(frozen=True, slots=True)
class Vector:
    """An array of numbers as JSON writes it, and how many there are."""

    json: bytes
    dimensions: int

    @classmethod
    def parse(cls, json: bytes) -> Self:
        """Takes an array as it is, or reads the base64 of floats of 32 bits, lowest byte first.

        Args:
            json: valid JSON of any kind.

        Raises:
            ValueError: it is neither, or holds what is no number.
        """
        if json.startswith(b'"'):
            return cls.of(array("f", b64decode(msgspec.json.decode(json), validate=True)))
        numbers = json[1:-1]
        if not json.startswith(b"[") or numbers.translate(None, _NUMBERS):
            raise ValueError("no array of numbers")
        return cls(json, numbers.count(b",") + 1 if numbers.strip() else 0)

    @classmethod
    def of(cls, numbers: "Sequence[float] | array[float]") -> Self:
        """The vector with these numbers, as exact as floats of 32 bits are: to nine digits.

        Raises:
            ValueError: one of them is infinite or no number.
        """
        if not math.isfinite(sum(numbers)):
            raise ValueError("infinite or no number")
        text = "[" + ",".join(["%.9g"] * len(numbers)) % tuple(numbers) + "]"
        return cls(text.encode(), len(numbers))
