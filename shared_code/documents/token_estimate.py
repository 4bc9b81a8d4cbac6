"""How many tokens a file may have, by its name and size alone: good enough for a price before the run.

No file is opened here. Files of one kind differ by their language, their columns and their pictures: what is
typical comes out right within a factor of two, and a test measures that.
"""

from shared_code.documents.kinds import kind_of_name, says_nothing

# Of what a name does not tell the kind of: mostly text.
_UNTOLD_BYTES_PER_TOKEN = 3.0


def is_supported(name: str) -> bool:
    """Whether files of this name may have text that can be read."""
    return says_nothing(name) or kind_of_name(name) is not None


def estimated_tokens(name: str, size: int, *, chunk_tokens: int, overlap_tokens: int) -> int:
    """Tokens of the chunks of a file of this many bytes; none for a kind that is not read."""
    if not is_supported(name):
        return 0
    kind = kind_of_name(name)
    tokens = size / (kind.bytes_per_token if kind else _UNTOLD_BYTES_PER_TOKEN)
    if tokens > chunk_tokens:
        tokens *= chunk_tokens / (chunk_tokens - overlap_tokens)
    return round(tokens)
