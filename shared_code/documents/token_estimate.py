"""How many tokens a file may have, by its name and size alone: good enough for a price before the run.

No file is opened here. Files of one kind differ by their language, their columns and their pictures: what is
typical comes out right within a factor of two, and a test measures that.
"""

from pathlib import PurePosixPath

# Bytes of a file for each token of its text: markup, compression and pictures are what makes them differ. The
# rows of tables name their columns, so that their text is longer than the file.
BYTES_PER_TOKEN = {
    "csv": 0.9,
    "docx": 6.0,
    "htm": 8.0,
    "html": 8.0,
    "json": 3.5,
    "jsonl": 3.5,
    "md": 3.5,
    "pdf": 30.0,
    "txt": 3.0,
    "xlsx": 0.8,
}


def is_supported(name: str) -> bool:
    """Whether files of this kind have text that can be read."""
    return _kind(name) in BYTES_PER_TOKEN


def estimated_tokens(name: str, size: int, *, chunk_tokens: int, overlap_tokens: int) -> int:
    """Tokens of the chunks of a file of so many bytes; none for a kind that is not read."""
    if not is_supported(name):
        return 0
    tokens = size / BYTES_PER_TOKEN[_kind(name)]
    if tokens > chunk_tokens:
        tokens *= chunk_tokens / (chunk_tokens - overlap_tokens)
    return round(tokens)


def _kind(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".")
