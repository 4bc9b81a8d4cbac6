"""What a chunk stands under, as it is searched and embedded: title, headings, sheet, names of columns.

ADR 50 has the reasons.
"""

from collections.abc import Sequence

from shared_code.documents.chunking import Chunk, count_tokens

# Part of every source's fingerprint: to be raised with any change of what comes out.
CONTEXT_VERSION = "1"

# Models take no longer texts.
_MOST_TOKENS = 8_191
# Of a chunk's tokens, how many may come before it: one in this many.
_SHARE = 20
_BETWEEN = " > "
_BEFORE_TEXT = "\n\n"
_MARKS = "#=*+-~^ \t"
# Titles may be cut where they are longer.
_LONG_TITLE = 200


def context_of(chunk: Chunk) -> tuple[str, ...]:
    """What a chunk stands under, from the widest to the closest, without what its text begins with."""
    left = list(chunk.context)
    for line in chunk.text.splitlines():
        known = next((part for part in left if _plain(part) == _plain(line)), None)
        if known is not None:
            left.remove(known)
        elif _plain(line) or not left:
            break
    return tuple(left)


def joined(context: Sequence[str]) -> str:
    """A context as one text."""
    return _BETWEEN.join(context)


def before_text(chunk: Chunk, context: Sequence[str]) -> str:
    """What is embedded before the text of a chunk: as much of its context as a twentieth of its tokens holds.

    What is closest to the chunk stays longest, and then what is widest.
    """
    most = min(chunk.tokens // _SHARE, _MOST_TOKENS - chunk.tokens)
    kept = [part for part in context if _tokens([part]) <= most]
    while kept and _tokens(kept) > most:
        kept.pop((len(kept) - 1) // 2)
    return _line(kept) if kept else ""


def _line(parts: Sequence[str]) -> str:
    return f"{joined(parts)}{_BEFORE_TEXT}"


def _tokens(parts: Sequence[str]) -> int:
    return count_tokens(_line(parts))


def _plain(line: str) -> str:
    return " ".join(line.split()).strip(_MARKS)[:_LONG_TITLE].strip()
