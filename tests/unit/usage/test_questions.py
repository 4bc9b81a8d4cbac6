"""What a question costs, on its way to the usage of its environment."""

from datetime import UTC, datetime

from shared_code.jobs import Account
from shared_code.settings import Settings
from shared_code.usage.metering import ADD
from shared_code.usage.month import MonthUsage, answer
from shared_code.usage.questions import QuestionSpending
from tests.support.durable_host_fake import FakeHost

ACCOUNT = Account(env="prod", price=20_000, budget=None)
READING = {"tokens": 9, "requests": 1, "estimated": 2, "cost": 180_000}


class Waits:
    """How often a spending has waited; the host is well again after so many times."""

    def __init__(self, host: FakeHost, well_after: int) -> None:
        self.host = host
        self.well_after = well_after
        self.count = 0

    async def __call__(self, _seconds: float) -> None:
        self.count += 1
        if self.count >= self.well_after:
            self.host.broken = None


def spending(host: FakeHost, *, well_after: int = 9) -> QuestionSpending:
    november = datetime(2026, 11, 28, tzinfo=UTC)
    return QuestionSpending(host, ACCOUNT, clock=lambda: november, sleep=Waits(host, well_after))


async def test_what_is_charged_is_sent_to_the_month_of_its_environment():
    host = FakeHost()
    paying = spending(host)
    await paying.sending(20)
    await paying.charged(20, tokens=7, requests=1, estimated=2)
    await paying.settled()

    assert host.signals == [("prod:2026-11", ADD, READING)]


async def test_nothing_is_sent_of_what_was_never_charged():
    host = FakeHost()
    paying = spending(host)
    await paying.sending(20)
    await paying.charged(20, tokens=0, requests=0, estimated=0)
    await paying.settled()

    assert host.signals == []


async def test_request_that_nobody_waits_for_any_longer_counts_by_its_estimate():
    host = FakeHost()
    paying = spending(host)
    await paying.sending(20)
    await paying.settled()
    await paying.charged(20, tokens=7, requests=1, estimated=0)  # too late: nobody would tell the host

    estimate = {"tokens": 20, "requests": 0, "estimated": 20, "cost": 400_000}
    assert host.signals == [("prod:2026-11", ADD, estimate)]


async def test_host_that_is_away_for_a_moment_is_told_again():
    host = FakeHost(broken=RuntimeError("restarting"))
    paying = spending(host, well_after=2)
    await paying.sending(20)
    await paying.charged(20, tokens=7, requests=1, estimated=2)
    await paying.settled()

    assert len(host.signals) == 1


async def test_what_no_host_takes_is_logged_and_stops_no_answer(caplog):
    paying = spending(FakeHost(broken=RuntimeError("gone")))
    await paying.sending(20)
    await paying.charged(20, tokens=7, requests=1, estimated=2)
    await paying.settled()

    assert "question.uncounted" in caplog.text


def test_entity_adds_what_a_question_cost():
    usage = MonthUsage(tokens=100, requests=3, cost=5, opened=2)
    after, result = answer(usage, "prod:2026-11", ADD, READING, Settings({}))

    assert result is None
    assert after == MonthUsage(tokens=109, requests=4, cost=180_005, estimated=2, opened=2)
