"""A proxy before Cosmos DB, and what may befall a request there."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.emulators.cosmos.service import Cosmos
from local.ports import LOOPBACK
from tests.support.service_proxy import AnswerLost, Call, Reply, Rule, ServiceProxy, service_proxy


@contextmanager
def cosmos_proxy(cosmos: Cosmos, rule: Rule = Call.pass_on) -> Iterator[ServiceProxy]:
    """A serving proxy before the emulator, which names its own address by number."""
    with service_proxy(cosmos.endpoint.replace("localhost", LOOPBACK), rule) as proxy:
        yield proxy


def is_write(call: Call) -> bool:
    """Whether a request changes items."""
    is_query = call.headers.get("x-ms-documentdb-isquery", "").lower() == "true"
    return call.method != "GET" and "/docs" in call.target and not is_query


def refused(status: int) -> Rule:
    """The service does not even look at the request."""
    reply = Reply.of({"code": "busy"}, status=status, x_ms_retry_after_ms="1", x_ms_substatus="3200")
    return lambda _: reply


def answer_lost(call: Call) -> Reply:
    """The write is done, and nobody hears of it."""
    call.pass_on()
    raise AnswerLost
