"""What a client asks an index: a question, and where and how it is to be searched for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

from shared_code.errors import InvalidField
from shared_code.jobs.fields import label

LONGEST_QUESTION = 1_000
MOST_RESULTS = 50
FARTHEST_NEIGHBOUR = 5
_RESULTS = 10
# A full-text search looks for these; of a longer question the rest is left to its vector.
_MOST_WORDS = 32
_LONGEST_PREFIX = 1_024
_WORD = re.compile(r"[^\W_]+")
# What is not a character by itself, or not one that a text has.
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Mode(StrEnum):
    """By what texts are compared with a question."""

    HYBRID = "hybrid"  # both, by the fusion of their ranks
    VECTOR = "vector"  # what they mean
    TEXT = "text"  # the words that they have


class Kind(StrEnum):
    """What the texts of an index come from."""

    FILES = "files"
    EVENTS = "events"


_Choice = TypeVar("_Choice", Mode, Kind)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A question to an index.

    Attributes:
        version: of the index; empty for the one that is live.
        text: the question.
        top: the most results.
        source_prefix: with what the names of sources begin; empty for all of them.
        kind: None for files and events.
        around: how many neighbours each result is given on each side.
    """

    env: str
    text: str
    version: str = ""
    mode: Mode = Mode.HYBRID
    top: int = _RESULTS
    source_prefix: str = ""
    kind: Kind | None = None
    around: int = 0

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """Reads the parameters of a request.

        Raises:
            InvalidField: one is missing or malformed; the first one is named.
        """
        version, kind = parameters.get("version"), parameters.get("kind")
        return cls(
            env=label(parameters.get("env"), "env"),
            version="" if version is None else label(version, "version"),
            text=_question(parameters.get("q", "")),
            mode=_choice(Mode, parameters.get("mode", Mode.HYBRID), "mode"),
            top=_number(parameters, "top", _RESULTS, least=1, most=MOST_RESULTS),
            source_prefix=_prefix(parameters.get("source", "")),
            kind=None if kind is None else _choice(Kind, kind, "kind"),
            around=_number(parameters, "around", 0, least=0, most=FARTHEST_NEIGHBOUR),
        )

    @property
    def words(self) -> list[str]:
        """The different words of the question, in their order."""
        return list(dict.fromkeys(_WORD.findall(self.text.casefold())))[:_MOST_WORDS]


def _question(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_QUESTION:
        raise InvalidField("q", f"use at most {LONGEST_QUESTION} characters")
    if found := _NO_TEXT.search(text):
        raise InvalidField("q", f"a question cannot have the character {found[0]!a}")
    if not _WORD.search(text):
        raise InvalidField("q", "ask with at least one letter or digit")
    return text


def _prefix(text: str) -> str:
    if len(text) > _LONGEST_PREFIX or _NO_TEXT.search(text):
        raise InvalidField("source", "use the beginning of a source's name, such as container/folder/")
    return text


def _choice(choices: type[_Choice], value: str, field: str) -> _Choice:
    try:
        return choices(value)
    except ValueError:
        raise InvalidField(field, f"use {', '.join(choices)}") from None


def _number(parameters: Mapping[str, str], field: str, default: int, *, least: int, most: int) -> int:
    text = parameters.get(field)
    if text is None:
        return default
    # Of digits as Unicode has them, only these are numbers to every reader.
    if not re.fullmatch(r"[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise InvalidField(field, f"use a whole number from {least} to {most}")
    return int(text)
