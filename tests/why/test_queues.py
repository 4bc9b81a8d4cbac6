"""Hidden messages are reported with the time until which they are hidden; a healthy queue is not reported."""

from datetime import UTC, datetime, timedelta

import pytest

from devhost.app.trigger_states import QueueState
from devhost.why.queues import invisible

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def queue(*, waiting: int, in_hand: int = 0, hidden: int = 0, returning: int = 0) -> QueueState:
    """A queue; what is to return does so a minute after the other, from noon on."""
    times = tuple(NOON + timedelta(minutes=number) for number in range(returning))
    return QueueState("take", "orders", "Storage", in_hand, waiting, hidden, times)


HIDDEN = {
    "sent with a delay": (
        queue(waiting=1, hidden=1),
        "holds 1 message that nobody can see now: 1 that was sent",
    ),
    "several of others": (queue(waiting=3, hidden=3), "3 that were sent with a delay, or are held"),
    "one that failed": (
        queue(waiting=1, hidden=1, returning=1),
        "has failed, until 2026-01-01T12:00:00+00:00.",
    ),
    "two that failed": (
        queue(waiting=2, hidden=2, returning=2),
        "has failed, the first until 2026-01-01T12:00:00+00:00, the last until 2026-01-01T12:01:00+00:00.",
    ),
    "both": (queue(waiting=5, in_hand=1, hidden=3, returning=1), "12:00:00+00:00; 2 that were sent"),
}


@pytest.mark.parametrize(("state", "part"), HIDDEN.values(), ids=HIDDEN)
def test_hidden_messages_are_told(state: QueueState, part: str):
    told = invisible(state)
    assert told is not None
    assert (told.code, part in told.sentence) == ("invisible", True), told.sentence


def test_time_is_told_where_it_is_known_of_all():
    told = [invisible(queue(waiting=2, hidden=2, returning=count)) for count in (2, 1)]
    assert [found and found.until for found in told] == [NOON + timedelta(minutes=1), None]


def test_storage_that_does_not_answer_is_told_with_its_setting():
    told = invisible(QueueState("take", "orders", "OrdersStorage", 0, problem="It has not answered."))
    assert told is not None
    assert told.sentence == "What the queue 'orders' holds is not known: It has not answered."
    assert "OrdersStorage" in told.remedy


@pytest.mark.parametrize(
    "state",
    [queue(waiting=0), queue(waiting=40), queue(waiting=1, in_hand=1), queue(waiting=20, in_hand=16)],
    ids=["empty", "full", "in hand", "some in hand"],
)
def test_nothing_is_told_of_a_queue_in_order(state: QueueState):
    assert invisible(state) is None
