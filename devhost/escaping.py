"""Text from outside as a terminal may show it: in a log, and in what the commands print."""

import re

# What moves a terminal's cursor, changes its colours or the order of what is read, ends a line, or is half a
# character; line feeds and tabs are left.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""The text with escapes such as `\u001b`, right in JSON too, for what does more than show itself."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
