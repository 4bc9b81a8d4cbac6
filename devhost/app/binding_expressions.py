"""Fills in what bindings leave open: `%SETTING%` from the app settings, `{name}` from the trigger.

A message or body that is a JSON object lends its members; an HTTP request its route and query, too.
"""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.functions.meta import Datum

from devhost.engine.dotnet_json import parse
from devhost.errors import UnresolvedExpression
from devhost.settings.app_settings import expand_settings

_NAME = re.compile(r"\{([^{}]+)\}")
_GUIDS = ("rand-guid", "sys.randguid")
_TIMES = ("datetime", "sys.utcnow")


class BindingData:
    """What one call's trigger lends to the other bindings; read only when one asks for it."""

    def __init__(self, trigger: Datum, metadata: Mapping[str, Datum]) -> None:
        self._trigger = trigger
        self._metadata = metadata
        self._values: dict[str, str] | None = None

    def expand(self, text: str) -> str:
        """The text with settings and names filled in.

        Raises:
            UnresolvedExpression: a setting is not set, or the trigger has no such value.
        """
        return _NAME.sub(self._value, expand_settings(text))

    def _value(self, found: re.Match[str]) -> str:
        name = found[1].lower()
        if name in _GUIDS:
            return str(uuid.uuid4())
        if name in _TIMES:
            return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        if self._values is None:
            self._values = {key.lower(): value for key, value in self._read().items()}
        if name not in self._values:
            raise UnresolvedExpression(found[0], "the trigger has no value of this name")
        return self._values[name]

    def _read(self) -> dict[str, str]:
        values = {name: _text(datum.value) for name, datum in self._metadata.items()}
        if "BlobTrigger" in self._metadata:  # the content of a blob lends nothing
            return values
        if self._trigger.type != "http":
            return _members(self._trigger.value) | values
        request = self._trigger.value
        parts = (*request["query"].items(), *request["params"].items())
        return _members(request["body"].value) | values | {name: datum.value for name, datum in parts}


def _members(body: Any) -> dict[str, str]:
    try:
        content = parse(body.decode("utf-8", "replace") if isinstance(body, bytes) else body)
    except (ValueError, TypeError, AttributeError):
        return {}
    return {name: _text(value) for name, value in content.items()} if isinstance(content, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
