"""Vectors as the JSON that one service answers and the other stores.

Their numbers are never read: turning a million of them into text again was most of the work of a large job.

ADR 27 has the reasons.
"""

import math
from array import array
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from json import loads
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
            ValueError: it is neither, or holds something that is not a number.
        """
        if json.startswith(b'"'):
            return cls.of(array("f", b64decode(msgspec.json.decode(json), validate=True)))
        numbers = json[1:-1]
        if not json.startswith(b"[") or numbers.translate(None, _NUMBERS):
            raise ValueError("no array of numbers")
        if b"e" in numbers.replace(b"e-", b"") or b"E" in numbers:
            return cls.of(loads(json))  # of these some may be larger than a float
        return cls(json, numbers.count(b",") + 1 if numbers.strip() else 0)

    @classmethod
    def of(cls, numbers: "Sequence[float] | array[float]") -> Self:
        """The vector with these numbers as floats of 32 bits, which have nine digits.

        Raises:
            ValueError: one of them is not a number, or larger than a float.
        """
        floats = array("f", numbers)
        if not math.isfinite(sum(floats)):
            raise ValueError("infinite or no number")
        text = "[" + ",".join(["%.9g"] * len(floats)) % tuple(floats) + "]"
        return cls(text.encode(), len(floats))

    def numbers(self) -> list[float]:
        """The numbers themselves, as a query has to have them."""
        return msgspec.json.decode(self.json, type=list[float])
