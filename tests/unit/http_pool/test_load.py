import gc
import random
import warnings
from typing import Any

from shared_code.http_pool import Limits, Request, Response, RetryPolicy, ServiceError
from tests.unit.http_pool.scripted_service import answer, calling, raw, reset

REQUESTS = 3_000


async def test_every_one_of_thousands_of_requests_is_accounted_for_under_random_faults():
    """One in twenty meets a fault; the numbers of the outcomes, of the attempts and of the service agree."""
    dice = random.Random(1)  # noqa: S311 - the same faults in each run
    faults = [reset, answer(503), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")]
    script = [dice.choice(faults) if dice.random() < 0.05 else answer() for _ in range(2 * REQUESTS)]
    options: Any = {"limits": Limits(max_connections=200), "retries": RetryPolicy(budget=REQUESTS)}
    with warnings.catch_warnings(record=True) as caught:
        async with calling(*script, **options) as (service, caller):
            outcomes = await caller.batch((Request(path="/") for _ in range(REQUESTS)), concurrency=200)
            figures = caller.figures()
        gc.collect()
    assert len(outcomes) == REQUESTS
    assert all(isinstance(outcome, Response | ServiceError) for outcome in outcomes)
    assert figures.requests + figures.retries == figures.attempts == len(service.received)
    assert (figures.in_flight, caught) == (0, [])
