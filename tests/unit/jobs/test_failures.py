"""When a job gives up waiting, whatever the order in which troubles come."""

from datetime import UTC, datetime, timedelta

import pytest

from shared_code.jobs import DEFAULT_PATIENCE, Failure, Trouble, Waiting

AWAY = Failure("IndexUnavailable", "Cosmos DB answered 503.")
OUTAGE = Trouble(service="index")
STRANGE = Trouble(service="index", most_tries=9)
FAULT = Trouble(service="app", most_tries=3)


def gives_up_after(*troubles: Trouble) -> list[bool]:
    """After which of these tries in a row a job gives up; a lane keeps what it waits for as JSON."""
    waiting, over = None, []
    for trouble in troubles:
        now = waiting.next_try if waiting else datetime(2026, 11, 1, tzinfo=UTC)
        waiting = Waiting.from_json(Waiting.after(AWAY, trouble, waiting, now).to_json())
        over.append(waiting.is_over(trouble, DEFAULT_PATIENCE))
    return over


@pytest.mark.parametrize("bounded", [STRANGE, FAULT])
def test_trouble_that_is_bounded_has_all_of_its_tries_after_a_long_outage(bounded):
    most = bounded.most_tries or 0
    assert gives_up_after(*[OUTAGE] * 100, *[bounded] * most) == [False] * (99 + most) + [True]


def test_one_page_of_a_gateway_at_the_end_of_an_outage_ends_no_job():
    assert not any(gives_up_after(*[OUTAGE] * 20, STRANGE, OUTAGE))


def test_tries_of_one_kind_are_counted_in_a_row():
    assert gives_up_after(FAULT, FAULT, OUTAGE, FAULT, FAULT, FAULT) == [False] * 5 + [True]


def test_wait_that_an_earlier_release_wrote_is_read():
    waiting = Waiting.after(AWAY, OUTAGE, None, datetime(2026, 11, 1, tzinfo=UTC))
    earlier = {
        name: value for name, value in waiting.to_json().items() if name not in {"mostTries", "ofKind"}
    }
    assert Waiting.from_json(earlier) == waiting


def test_patience_counts_from_the_first_try_whatever_its_kind():
    waiting = Waiting.after(AWAY, STRANGE, None, datetime(2026, 11, 1, tzinfo=UTC))
    later = Waiting.after(AWAY, OUTAGE, waiting, waiting.since + timedelta(hours=25))
    assert later.is_over(OUTAGE, DEFAULT_PATIENCE)
