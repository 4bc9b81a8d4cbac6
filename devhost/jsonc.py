"""JSON as Azure's tools read it: with comments and with commas after the last member or item."""

import json
import re
from pathlib import Path
from typing import Any

_TEXT = r'"(?:[^"\\\n]|\\.)*"'
_COMMENT = re.compile(rf"({_TEXT})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(rf"""({_TEXT}|[^\s\[{{,:"])(\s*),(?=\s*[\]}}])|{_TEXT}""")
_VISIBLE = re.compile(r"[^\n]")


def read_jsonc(path: Path) -> Any:
    """The value in a file.

    Raises:
        ValueError: it is not JSON.
        OSError: it cannot be read.
    """
    return parse_jsonc(path.read_text(encoding="utf-8-sig"))


def parse_jsonc(text: str) -> Any:
    """The value of a text; what is left out becomes blanks, so that errors name the right line and column.

    Raises:
        ValueError: it is not JSON.
    """
    bare = _COMMENT.sub(lambda found: found[1] or _VISIBLE.sub(" ", found[0]), text)
    strict = _LAST_COMMA.sub(lambda found: f"{found[1]}{found[2]} " if found[1] else found[0], bare)
    try:
        return json.loads(strict)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
