"""Where Azure would hang for ever or end with a wrong result, in sentences that say how to fix the code.

Each is known from the real engine; section 4 of the protocol notes has the cases.
"""

from collections.abc import Iterator

from devhost.engine.nodes import EventWait, Retry
from devhost.engine.walk import Walk


def divergence(walk: Walk, *, ended: bool) -> str | None:
    """The reason why the ids of coming tasks will differ between code and engine, if they will.

    Azure then completes the wrong tasks, and the instance ends with a wrong result.
    """
    if not walk.overtaken and not ended:
        return None
    retries = [node for node in walk.unfinished() if isinstance(node, Retry)]
    if not any(retry.resting for retry in retries):
        return None
    names = ", ".join(sorted({f"'{retry.action.name}'" for retry in retries}))
    return (
        f"The code went on after a failed task_all while retries of {names} were still alive. On Azure the "
        "tasks scheduled since then and the retries get each other's results, silently. Let the activities "
        "return their failures as values, or wait for each retry by itself before going on."
    )


def standstill(walk: Walk, *, ended: bool) -> str | None:
    """The reason why nothing will ever wake the code, if it waits for nothing that can happen."""
    if ended or not walk.finished or walk.continue_as_new is not None or walk.other_case or walk.crowded:
        return None
    return (
        "The code waits for what never completes, such as None or a timer that it has cancelled: on "
        "Azure the instance would stay Running for ever. Yield a task, or return."
    )


def misunderstandings(walk: Walk, *, ended: bool) -> Iterator[str]:
    """What SDK and engine understand differently about external events."""
    for raised, awaited in walk.other_case:
        yield (
            f"The event '{raised}' was taken for the wait on '{awaited}', but the SDK tells upper from lower "
            "case and never sees it: on Azure the instance stays Running for ever. Raise the event with the "
            "name that the code waits for."
        )
    for name, count in walk.crowded:
        yield (
            f"{count} events '{name}' came before the code waited for them: the SDK gives the last one to "
            "every wait. Raise them one at a time, or give them different names."
        )
    if walk.overtaken or ended:
        yield from _held_up(walk)


def _held_up(walk: Walk) -> Iterator[str]:
    for node in walk.unfinished():
        if isinstance(node, EventWait):
            yield (
                f"The code has gone on, but on Azure it still waits for the external event '{node.name}': an "
                "event that came before its wait answers every later wait of that name in the SDK, and only "
                "one in the engine. Raise one event for each wait, or give the waits different names."
            )
