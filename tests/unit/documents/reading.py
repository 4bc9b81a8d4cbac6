"""Reads files in the tests' own process, and says what came out in short."""

from typing import Any

from shared_code.documents import DocumentLimits, extract
from shared_code.documents.chunking import Chunk, chunk


def read(name, data) -> Any:
    return extract(name, data if isinstance(data, bytes) else data.encode(), DocumentLimits())


def texts(name, data) -> list[str]:
    return [segment.text for segment in read(name, data).segments]


def text(name, data) -> str:
    return "\n".join(texts(name, data))


def codes(name, data) -> list[str]:
    return [note.code for note in read(name, data).notes]


def contexts(name, data) -> list[tuple[str, ...]]:
    return [segment.context for segment in read(name, data).segments]


def chunks(name, data, *, max_tokens=64, overlap_tokens=0) -> list[Chunk]:
    return chunk(read(name, data), max_tokens=max_tokens, overlap_tokens=overlap_tokens)
