"""Fills in what bindings leave open: `%SETTING%` from the app settings, `{name}` from the trigger.

A message or body that is a JSON object lends its members, and theirs, as in `{customer.name}`; a request
its route and query, too.
"""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from azure.functions.meta import Datum

from devhost.engine.dotnet_json import parse
from devhost.errors import UnresolvedExpression
from devhost.settings.app_settings import expand_settings

_NAME = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_GUIDS = ("rand-guid", "sys.randguid")
_TIMES = ("datetime", "sys.utcnow")
_GUID_FORMS: Mapping[str, str] = {"n": "{0.hex}", "d": "{0}", "b": "{{{0}}}", "p": "({0})"}
_TIME = "yyyy-MM-ddTHH-mm-ssZ"  # as in names of blobs, where colons are a nuisance
_TIME_PART = re.compile("yyyy|yy|MM|dd|HH|hh|mm|ss|fff|tt")
_TIME_PARTS: Mapping[str, str] = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "tt": "%p",
}

Values: TypeAlias = "dict[str, Any]"


class BindingData:
    """What one call's trigger lends to the other bindings; read only when one asks for it."""

    def __init__(self, trigger: Datum, metadata: Mapping[str, Datum], *, function: str = "") -> None:
        self._trigger = trigger
        self._metadata = metadata
        self._function = function
        self._values: Values | None = None

    def expand(self, text: str) -> str:
        """The text with settings and names filled in.

        Raises:
            UnresolvedExpression: a setting is not set, or the trigger has no such value.
        """
        return _NAME.sub(self._value, expand_settings(text))

    def _value(self, found: re.Match[str]) -> str:
        name, form = found[1].strip().lower(), found[2]
        if name in _GUIDS:
            return _GUID_FORMS.get((form or "d").lower(), "{0}").format(uuid.uuid4())
        if name in _TIMES:
            return _formatted(datetime.now(UTC), form or _TIME)
        if name == "sys.methodname":
            return self._function
        if self._values is None:
            self._values = self._read()
        value = _member(self._values, name)
        if value is None:
            raise UnresolvedExpression(found[0], "the trigger has no value of this name")
        return _text(value)

    def _read(self) -> Values:
        values: Values = {name: datum.value for name, datum in self._metadata.items()}
        if "BlobTrigger" in self._metadata:  # the content of a blob lends nothing
            return values
        if self._trigger.type != "http":
            return _members(self._trigger.value) | values
        request = self._trigger.value
        query, route, headers = (
            {name: datum.value for name, datum in request[part].items()}
            for part in ("query", "params", "headers")
        )
        return {
            **_members(request["body"].value),
            **values,
            "query": query,
            "headers": headers,
            **query,
            **route,
        }


def _member(values: Values, path: str) -> Any:
    """The member of a name in any case, or of one below it: `customer.name`; `None` if there is none."""
    for name, value in values.items():
        if name.lower() == path:
            return value
        if isinstance(value, dict) and path.startswith(f"{name.lower()}."):
            return _member(value, path[len(name) + 1 :])
    return None


def _members(body: Any) -> Values:
    try:
        content = parse(body.decode("utf-8", "replace") if isinstance(body, bytes) else body)
    except (ValueError, TypeError, AttributeError):
        return {}
    return content if isinstance(content, dict) else {}


def _formatted(time: datetime, form: str) -> str:
    """A time in a form as .NET writes it."""

    def part(found: re.Match[str]) -> str:
        milliseconds = f"{time.microsecond // 1000:03}"
        return milliseconds if found[0] == "fff" else time.strftime(_TIME_PARTS[found[0]])

    return _TIME_PART.sub(part, form)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
