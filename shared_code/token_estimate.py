"""How many tokens a file may have, by its name and size alone: good enough for a price before the run.

No file is opened here.
"""

from pathlib import PurePosixPath

# Bytes of a file for each token of its text: markup, compression and pictures are what makes them differ.
BYTES_PER_TOKEN = {
    "csv": 3.0,
    "docx": 8.0,
    "htm": 8.0,
    "html": 8.0,
    "json": 3.5,
    "jsonl": 3.5,
    "md": 4.0,
    "pdf": 20.0,
    "txt": 4.0,
    "xlsx": 2.5,
}


def is_supported(name: str) -> bool:
    """Whether files of this kind have text that can be read."""
    return _kind(name) in BYTES_PER_TOKEN


def estimated_tokens(name: str, size: int) -> int:
    """Tokens of a file of so many bytes; none for a kind that is not read."""
    return round(size / BYTES_PER_TOKEN[_kind(name)]) if is_supported(name) else 0


def _kind(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".")
