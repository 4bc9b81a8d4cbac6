"""Texts as the words that a full-text search knows them by.

As the service does for English: letters without case and accents, no words that every text has, and plurals
as their singular. Scripts without spaces between words are taken letter by letter.
"""

import re
import unicodedata

_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ASCII = {place: chr(place).lower() if chr(place).isalnum() else " " for place in range(128)}
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+")
_EVERYWHERE = {
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no",
    "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this",
    "to", "was", "will", "with",
}  # fmt: skip
_SHORTEST_PLURAL = 4


def words(text: str) -> list[str]:
    """The words of a text in their order."""
    return [word for word in map(folded, spelled(text)) if word]


def spelled(text: str) -> list[str]:
    """The words of a text as they are spelled there, in lower case."""
    # Most texts are of these letters alone, and are taken apart in a third of the time.
    return text.translate(_ASCII).split() if text.isascii() else _WORD.findall(text.lower())


def folded(word: str) -> str:
    """A word as it is compared; empty if it is in every text."""
    if word in _EVERYWHERE:
        return ""
    if not word.isascii():
        letters = unicodedata.normalize("NFKD", word)
        word = "".join(letter for letter in letters if not unicodedata.combining(letter)) or word
    return _singular(word)


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1]
