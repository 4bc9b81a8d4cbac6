"""Pictures and other data that stand in a text as letters and digits: they cost, and nobody finds them."""

import re

# As it stands in web pages, Markdown and JSON; what it is stays, the data goes.
_DATA_URI = re.compile(
    r"(data:[\w.+-]+/[\w.+-]+(?:;[\w.+-]+=[\w.+-]+)*)"
    r"(?:;base64,(?:[A-Za-z0-9+/=_-]{20,}[^\S\n]*\n\s*)*[A-Za-z0-9+/=_-]{40,}|,[^\s\"'()<>\[\]]{80,})"
)
# Base64 on its own: one long word, or lines of one length.
_LONG = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
_LINES = re.compile(
    r"(?:^[^\S\n]*[A-Za-z0-9+/]{56,120}[^\S\n]*\n){3,}[^\S\n]*[A-Za-z0-9+/]{1,120}={0,2}$", re.MULTILINE
)
_MIXED = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))
# Hardly any text has words as long as both have; possessive, so that each character is looked at once.
_SHORT_WORDS = re.compile(r"(?:[A-Za-z0-9+/]{0,55}+[^A-Za-z0-9+/])*+[A-Za-z0-9+/]{0,55}")
# No shorter text holds data.
_SHORTEST = 120


def without_embedded_data(text: str) -> str:
    """The text without data in base64."""
    if len(text) < _SHORTEST:
        return text
    if "data:" in text:
        text = _DATA_URI.sub(r"\1", text)
    if _SHORT_WORDS.fullmatch(text):
        return text
    return _LINES.sub(_unless_words, _LONG.sub(_unless_words, text))


def _unless_words(found: re.Match[str]) -> str:
    """Nothing for data; sequences of genes or one letter many times are text."""
    return "" if all(kind.search(found[0]) for kind in _MIXED) else found[0]
