"""Takes out of a record what differs from run to run: ids, times, ports, keys, stack traces.

What is left must be the same wherever the scenario app runs.
"""

import itertools
import json
import re
from typing import Any

_MASKS = [
    (re.compile(r"(?!0001)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"), "<time>"),
    (re.compile(r"(?<=<time>)\.\d+"), ".<fraction>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<guid>"),
    (re.compile(r"\bcode=[\w-]+"), "code=<key>"),
    (re.compile(r"(?<=http://)(localhost|127\.0\.0\.1):\d+"), r"\1:<port>"),
    (re.compile(r" at 0x[0-9a-f]+"), " at <address>"),
    (re.compile(r"RpcException, [\w.]+"), "RpcException, <assembly>"),
    (re.compile(r"(?<=StackTrace:    at ).*", re.DOTALL), "<stack>"),
    (re.compile(r"(?<=\nStack: ).*", re.DOTALL), "<stack>"),
]
_MASKED_MEMBERS = {"RemoteStackTrace", "StackTrace", "startTime", "duration"}
_NET_OBJECT = '{"$type":'


class Names:
    """What the ids of one run are called in a comparison."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, identifier: str, name: str) -> None:
        """From now on `identifier` reads as `name`."""
        self._names[identifier] = name

    def learn_instance(self, instance_id: str, function: str) -> str:
        """Calls an instance by its function and a count, and returns that name."""
        if instance_id not in self._names:
            count = 1 + sum(name.startswith(f"<{function} ") for name in self._names.values())
            self.learn(instance_id, f"<{function} {count}>")
        return self._names[instance_id]

    def masked(self, text: str) -> str:
        for identifier in sorted(self._names, key=len, reverse=True):
            text = text.replace(identifier, self._names[identifier])
        return text


def normalise(value: Any, names: Names) -> Any:
    """A JSON value whose texts are masked and whose .NET objects in texts are laid open."""
    match value:
        case str():
            return _text(value, names)
        case list():
            return _without_chance([normalise(item, names) for item in value])
        case dict():
            return {key: _member(key, item, names) for key, item in value.items()}
    return value


def _member(key: str, value: Any, names: Names) -> Any:
    if key in _MASKED_MEMBERS and value is not None:
        return f"<{key}>"
    return normalise(value, names)


def _text(text: str, names: Names) -> Any:
    before, found, _ = text.partition(_NET_OBJECT)
    if found:
        content, end = json.JSONDecoder().raw_decode(text, len(before))
        parts = {"before": before, "object": content, "after": text[end:]}
        return {key: normalise(part, names) for key, part in parts.items()}
    text = names.masked(text)
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def _without_chance(items: list[Any]) -> Any:
    """Instances are listed by their random ids, and a fan-out's results as they happened to come."""
    if items and all(isinstance(item, dict) and "instanceId" in item for item in items):
        return {item["instanceId"]: item for item in sorted(items, key=lambda item: str(item["instanceId"]))}
    if all(isinstance(item, dict) and isinstance(item.get("EventType"), str) for item in items):
        runs = itertools.groupby(items, lambda event: str(event["EventType"]))
        return [event for _, run in runs for event in sorted(run, key=json.dumps)]
    return items
