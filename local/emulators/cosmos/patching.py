"""Patch operations: `add`, `set`, `replace`, `remove`, `incr` and `move` on an item."""

from typing import Any

from local.emulators.cosmos.errors import BadRequest

_MOST_OPERATIONS = 10


def patched(item: dict[str, Any], operations: Any) -> dict[str, Any]:
    """Changes an item as a list of operations says, and gives it back.

    Raises:
        BadRequest: the service would refuse it with 400.
    """
    if not isinstance(operations, list) or not 0 < len(operations) <= _MOST_OPERATIONS:
        raise BadRequest(f"A patch has 1 to {_MOST_OPERATIONS} operations.")
    for operation in operations:
        _apply(item, operation)
    return item


def _apply(item: dict[str, Any], operation: Any) -> None:
    match operation:
        case {"op": "add" | "set" | "replace" as kind, "path": str(path), "value": value}:
            _put(item, path, value, kind)
        case {"op": "incr", "path": str(path), "value": int() | float() as amount}:
            _increment(item, path, amount)
        case {"op": "remove", "path": str(path)}:
            _remove(item, path)
        case {"op": "move", "from": str(source), "path": str(path)}:
            _put(item, path, _remove(item, source), "set")
        case _:
            raise BadRequest(f"The patch operation {operation} is not valid.")


def _put(item: dict[str, Any], path: str, value: Any, kind: str) -> None:
    parent, key = _parent(item, path)
    if isinstance(parent, list):
        place = _place(parent, key, len(parent) if kind != "replace" else len(parent) - 1, path)
        if kind == "add" or place == len(parent):
            parent.insert(place, value)
        else:
            parent[place] = value
        return
    if kind == "replace" and key not in parent:
        raise _absent(path)
    parent[key] = value


def _increment(item: dict[str, Any], path: str, amount: float) -> None:
    parent, key = _parent(item, path)
    at: Any = _place(parent, key, len(parent) - 1, path) if isinstance(parent, list) else key
    before = parent[at] if isinstance(parent, list) else parent.get(at, 0)
    if isinstance(before, bool) or not isinstance(before, int | float):
        raise BadRequest(f"The patch operation incr needs a number at {path}.")
    parent[at] = before + amount


def _remove(item: dict[str, Any], path: str) -> Any:
    parent, key = _parent(item, path)
    if isinstance(parent, list):
        return parent.pop(_place(parent, key, len(parent) - 1, path))
    if key not in parent:
        raise _absent(path)
    return parent.pop(key)


def _parent(item: dict[str, Any], path: str) -> tuple[Any, str]:
    """The object or array that a path ends in, and its last key."""
    if not path.startswith("/") or path == "/":
        raise BadRequest(f"The patch path {path} has to begin with a slash and name a property.")
    *keys, last = (key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/"))
    value: Any = item
    for key in keys:
        if isinstance(value, list):
            value = value[_place(value, key, len(value) - 1, path)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            raise _absent(path)
    if not isinstance(value, dict | list):
        raise _absent(path)
    return value, last


def _place(array: list[Any], key: str, last: int, path: str) -> int:
    if key == "-" and last == len(array):
        return last
    if not key.isdigit() or int(key) > last:
        raise _absent(path)
    return int(key)


def _absent(path: str) -> BadRequest:
    return BadRequest(f"The patch path {path} does not exist in the item.")
