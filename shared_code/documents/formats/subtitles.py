"""Subtitles (WebVTT, SubRip): what is said, without when; a sentence goes on from one cue to the next."""

import re
from collections.abc import Iterator
from html import unescape

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.formats.decoding import decode

_TIMING = re.compile(r"\s*(?:\d+:)?\d+:\d+[.,]\d+\s*-->.*")
_SPEAKER = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
_ENDED = (".", "!", "?", "…", "。", "！", "？", ":", "]", ")")  # noqa: RUF001 - the signs of Chinese


def read_subtitles(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """The sentences, each with the line of its first cue."""
    said: list[str] = []
    first = 1
    for line, text in _cues(decode(data).split("\n")):
        if said and said[-1] == text:
            continue  # captions that roll up repeat what is still shown
        if not said:
            first = line
        said.append(text)
        if text.endswith(_ENDED):
            yield Segment(" ".join(said), Position(line=first))
            said = []
    yield Segment(" ".join(said), Position(line=first))


def _cues(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The text of each cue, and in which line of the file its timing is."""
    index = 0
    while index < len(lines):
        if not _TIMING.match(lines[index]):
            index += 1
            continue
        start = index = index + 1
        while index < len(lines) and lines[index].strip() and not _TIMING.match(lines[index]):
            index += 1
        text = " ".join(lines[start:index])
        text = " ".join(unescape(_TAG.sub("", _SPEAKER.sub(r"\1: ", text))).split())
        if text:
            yield start, text
