"""Whoever waits for the Durable host hears soon that it does not answer."""

import asyncio

import pytest

from shared_code.errors import HostUnavailable
from shared_code.jobs.host import of_host


async def test_host_that_does_not_answer_is_not_waited_for():
    with pytest.raises(HostUnavailable) as unavailable:
        await of_host(asyncio.Event().wait(), seconds=0.01)
    assert isinstance(unavailable.value.__cause__, TimeoutError)


async def test_whatever_else_the_host_answers_is_the_cause():
    async def answer() -> None:
        raise RuntimeError("The operation failed with an unexpected status code 500")

    with pytest.raises(HostUnavailable) as unavailable:
        await of_host(answer())
    assert isinstance(unavailable.value.__cause__, RuntimeError)
