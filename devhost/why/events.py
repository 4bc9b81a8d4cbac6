"""External events: those that an instance waits for, and those raised by another name or elsewhere."""

from collections.abc import Iterator
from datetime import datetime

from devhost.why.state import InstanceState, Why


def misnamed_event(state: InstanceState) -> Why | None:
    """An event that was raised, and that the code never sees by the name it waits for."""
    if state.code is None or state.code.has_ended:
        return None
    own = state.instance.instance_id
    for awaited, raised in [*state.code.taken_for.items(), *_alike(state.code.events, state.code.unread)]:
        sentence = f"It waits for the event '{awaited}', but '{raised}' was raised."
        return Why("event-name", sentence, f"Raise it by its exact name: {_raise(own, awaited)}")
    for awaited, other in _elsewhere(state):
        sentence = f"It waits for the event '{awaited}', which was raised to {other} instead."
        return Why("event-elsewhere", sentence, f"Raise it to this instance: {_raise(own, awaited)}")
    return None


def awaited_event(state: InstanceState, *, limit: datetime | None) -> Why | None:
    """The events that the code waits for, and whatever else was raised."""
    if state.code is None or not state.code.events or state.code.has_ended:
        return None
    awaited = list(dict.fromkeys(state.code.events))
    names = ", ".join(f"'{name}'" for name in awaited)
    until = f", or until {limit.isoformat(timespec='seconds')}" if limit else ""
    unread = ", ".join(f"'{name}'" for name in dict.fromkeys(state.code.unread))
    raised = f" It has not read {unread}, which was raised." if unread else ""
    event = awaited[0] if len(awaited) == 1 else "EVENT"
    remedy = f"Raise it: {_raise(state.instance.instance_id, event)}"
    sentence = f"It waits for the external event{'s' * (len(awaited) > 1)} {names}{until}.{raised}"
    return Why("event", sentence, remedy, until=limit)


def _alike(events: tuple[str, ...], unread: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for awaited in events:
        for raised in unread:
            if _letters(raised) == _letters(awaited):
                yield awaited, raised


def _elsewhere(state: InstanceState) -> Iterator[tuple[str, str]]:
    """Awaited events that the parent or a child has got and does not read."""
    events = state.code.events if state.code else ()
    for other in (state.parent, *state.children.values()):
        if other is not None and other.code is not None:
            for awaited, _ in _alike(events, other.code.unread):
                yield awaited, other.instance.instance_id


def _letters(name: str) -> str:
    """A name without what people mistype most: case, spaces and dashes."""
    return "".join(filter(str.isalnum, name)).lower()


def _raise(instance_id: str, event: str) -> str:
    return f"python -m devhost raise {instance_id} {event}"
