"""Digits that stand higher: beside other digits they are not part of their number."""

import re

# Stands before a text that is written higher; cleaned text holds no control characters of its own.
SUPERSCRIPT = "\x1a"

_AFTER_DIGIT = re.compile(rf"(?<=\d){SUPERSCRIPT}([-+\u2212\u2013]?\d+)")
_HIGHER = str.maketrans(
    "0123456789-+\u2212\u2013",
    "\u2070\xb9\xb2\xb3\u2074\u2075\u2076\u2077\u2078\u2079\u207b\u207a\u207b\u207b",
)


def with_superscripts(text: str) -> str:
    """A text in which digits behind a mark are superscript digits where they follow a digit."""
    if SUPERSCRIPT not in text:
        return text
    return _AFTER_DIGIT.sub(lambda found: found[1].translate(_HIGHER), text).replace(SUPERSCRIPT, "")
