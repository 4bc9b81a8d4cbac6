"""White space as readers see it: any of it is one space."""

import re

# Lists of the words of longer texts would take many times their memory.
_BLOCK = 1_000_000
_SPACE = re.compile(r"\s")


def folded(text: str) -> str:
    """The words of a text with one space between them."""
    if len(text) <= _BLOCK:
        return " ".join(text.split())
    parts, start = [], 0
    while start < len(text):
        found = _SPACE.search(text, start + _BLOCK)
        end = found.start() if found else len(text)
        parts.append(" ".join(text[start:end].split()))
        start = end
    return " ".join(filter(None, parts))


def count_words(text: str) -> int:
    """How many words a text has; in a long one those where it was cut count twice."""
    return sum(len(text[start : start + _BLOCK].split()) for start in range(0, len(text), _BLOCK))
