"""JSON that is parsed value by value while it is decoded, so that a large file is never held as a whole."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

# Values of more characters are not read as one; no record of people is so long.
_MOST_CHARACTERS = 500_000
# A number that goes on may have been cut before its digits: 0.5, 1e-7.
_OF_A_NUMBER = 2
# So close to its end, an error is of the window rather than of the text.
_CLOSE = 20
_SPACE = re.compile(r"[ \t\n\r]*")
_BEGINNINGS = frozenset('{["]}')


class TooLong:
    """Stands for a value that is too long to be read as one."""


TOO_LONG: Final = TooLong()


class JsonWindow:
    """A stretch of a JSON text from the next value on, which moves along as values are read."""

    def __init__(self, blocks: Iterable[str], decoder: json.JSONDecoder) -> None:
        self.line = 1
        self._blocks = iter(blocks)
        self._decoder = decoder
        self._text = ""
        self._place = 0

    def peek(self, space: re.Pattern[str] = _SPACE) -> str:
        """The character with which the next value begins, or nothing at the end."""
        if self._place < len(self._text) and (sign := self._text[self._place]) in _BEGINNINGS:
            return sign  # as nearly always
        while True:
            found = space.match(self._text, self._place)
            end = found.end() if found else self._place
            self.line += self._text.count("\n", self._place, end)
            self._place = end
            if end < len(self._text):
                return self._text[end]
            if not self._read_on():
                return ""

    def value(self) -> Any:
        """The next value; TOO_LONG, which is to be read in parts, for an object or a list that is.

        Raises:
            JSONDecodeError: there is none.
            RecursionError: it is nested too deep.
        """
        is_container = self.peek() in {"{", "["}
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except json.JSONDecodeError:
                if is_container and len(self._text) - self._place > _MOST_CHARACTERS:
                    return TOO_LONG
                if not self._read_on():
                    raise
                continue
            if is_container and end - self._place > _MOST_CHARACTERS:
                return TOO_LONG
            if end + _OF_A_NUMBER >= len(self._text) and self._read_on():
                continue
            self._pass(end)
            return value

    def record(self) -> Any:
        """The next value as a record in lines of its own.

        Raises:
            JSONDecodeError: there is none; the line is passed over. Its place is that within the record.
            RecursionError: it is nested too deep.
        """
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if not self._reads_on_to_line_end(error):
                    place = self._place
                    self._pass(self._line_end())
                    raise json.JSONDecodeError(error.msg, error.doc[place:], error.pos - place) from None
            else:
                if end + _OF_A_NUMBER < len(self._text) or not self._read_on():
                    self._pass(end)
                    return value

    def items(self) -> Iterator[int]:
        """Numbers of the items of the list that comes next, each of which is to be read."""
        self._take("[")
        number = 0
        while self.peek() not in {"]", ""}:
            number += 1
            yield number
            if self._text.startswith(",", self._place) or self.peek() == ",":
                self._place += 1
        self._take("]")

    def names(self) -> Iterator[str]:
        """Names of the members of the object that comes next, of which each value is to be read."""
        self._take("{")
        while self.peek() not in {"}", ""}:
            name = self.value()
            self.peek()
            self._take(":")
            yield str(name)
            if self._text.startswith(",", self._place) or self.peek() == ",":
                self._place += 1
        self._take("}")

    def _take(self, sign: str) -> None:
        if not self._text.startswith(sign, self._place):
            raise json.JSONDecodeError(f"Expecting {sign!r}", self._text, self._place)
        self._place += 1

    def _pass(self, end: int) -> None:
        self.line += self._text.count("\n", self._place, end)
        self._place = end

    def _read_on(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._text = self._text[self._place :] + block
        self._place = 0
        return True

    def _reads_on_to_line_end(self, error: json.JSONDecodeError) -> bool:
        """Whether there was more of a record, as far as one may go."""
        is_unfinished = error.msg.startswith("Unterminated string") or error.pos + _CLOSE >= len(self._text)
        if not is_unfinished and "\n" in self._text and len(self._text) - self._place > _MOST_CHARACTERS:
            return self._text.find("\n", self._place) < 0 and self._read_on()
        return self._read_on()

    def _line_end(self) -> int:
        end = self._text.find("\n", self._place)
        return len(self._text) if end < 0 else end
