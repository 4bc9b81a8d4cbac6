"""What the Durable host goes by, found as it finds it: in an app setting, or else in host.json.

The host takes comments and trailing commas in host.json, takes names in any case, and
puts an app setting in the place of each `%NAME%`.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from shared_code.settings.setting import Environment

_HOST_JSON = Path(__file__).parents[2] / "host.json"
_TEXT = r'("(?:[^"\\]|\\.)*")'
_COMMENT = re.compile(rf"{_TEXT}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_TEXT}|,(?=\s*[}}\]])")


def durable_option(environment: Environment, *, name: str, override: str) -> str:
    """The value of an option of `extensions.durableTask`; empty if there is none.

    Args:
        environment: the app settings.
        name: of the option, such as `hubName`.
        override: the app setting that wins over host.json.

    Raises:
        LookupError: with the name of an app setting that the value refers to and that is not set.
    """
    settings = {name.lower(): value.strip() for name, value in environment.items()}
    text = settings.get(override.lower()) or option_in(_HOST_JSON, name)

    def value_of(reference: re.Match[str]) -> str:
        if value := settings.get(reference[1].lower()):
            return value
        raise LookupError(reference[1])

    return re.sub("%([^%]+)%", value_of, text)


@cache
def option_in(host_json: Path, name: str) -> str:
    """An option in a host.json as it is written there; empty if there is none."""
    text = host_json.read_text("utf-8-sig")
    for left_out in (_COMMENT, _TRAILING_COMMA):
        text = left_out.sub(lambda found: found[1] or "", text)
    value: Any = json.loads(text)
    for member in ("extensions", "durabletask", name.lower()):
        value = {key.lower(): each for key, each in value.items()}.get(member, {})
    return value or ""
