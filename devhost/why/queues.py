"""Why messages that are in a queue do not reach their function."""

from devhost.app.trigger_states import QueueState
from devhost.why.state import Why


def invisible(queue: QueueState) -> Why | None:
    """What keeps messages of a queue from its function; `None` if nothing is known to."""
    if queue.problem:
        return Why(
            "storage",
            f"What the queue '{queue.queue}' holds is not known: {queue.problem}",
            f"Start the storage that {queue.connection} names, or correct that setting.",
        )
    if not queue.hidden:
        return None
    messages = "1 message" if queue.hidden == 1 else f"{queue.hidden} messages"
    others = queue.hidden - len(queue.returning)
    parts = [part for part in (_returning(queue), _others(others)) if part]
    sentence = f"The queue '{queue.queue}' holds {messages} that nobody can see now: {'; '.join(parts)}."
    if others:
        return Why("invisible", sentence, "Wait: what a killed host had in hand comes back within a minute.")
    remedy = "Nothing needs to be done; visibilityTimeout in host.json says for how long."
    return Why("invisible", sentence, remedy, until=queue.returning[-1])


def _returning(queue: QueueState) -> str:
    if not queue.returning:
        return ""
    first, last = (when.isoformat(timespec="seconds") for when in (queue.returning[0], queue.returning[-1]))
    when = f"until {first}" if first == last else f"the first until {first}, the last until {last}"
    return f"{len(queue.returning)} for which '{queue.function}' has failed, {when}"


def _others(count: int) -> str:
    if not count:
        return ""
    held = "was sent with a delay, or is" if count == 1 else "were sent with a delay, or are"
    return f"{count} that {held} held by somebody else, until when the storage does not tell"
