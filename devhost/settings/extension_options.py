"""What host.json says of HTTP, queues and blobs; the defaults are those of the Functions host on a laptop."""

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from devhost.settings.sections import Section

_MAX_COUNT = 1000
_MAX_REQUESTS = 1_000_000
_NO_LIMIT = -1
_MAX_BATCH = 32  # what queue storage hands out at once


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How the app's own routes answer.

    Attributes:
        max_concurrent: how many requests run at once; `None` for any number.
        max_outstanding: how many run or wait, beyond which they are refused; `None` for any number.
        headers: which each answer has unless its function sets them.
    """

    max_concurrent: int | None = None
    max_outstanding: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, section: Section) -> "HttpOptions":
        """Reads the section `extensions.http`.

        Raises:
            BrokenSettings: a value has the wrong type, or is out of bounds.
        """
        return cls(
            max_concurrent=_limit(section, "maxConcurrentRequests"),
            max_outstanding=_limit(section, "maxOutstandingRequests"),
            headers=section.section("customHeaders").texts(),
        )


class MessageEncoding(enum.StrEnum):
    """How the texts of queue messages are written."""

    BASE64 = "base64"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How queue triggers work.

    Attributes:
        batch_size: how many messages are asked for at once.
        new_batch_threshold: how many may still run when more are asked for.
        visibility_timeout: how long a message rests that a function failed at.
        max_polling_interval: how long an empty queue is left alone at most.
        max_dequeue_count: how often a message is tried before it goes to the poison queue.
        encoding: how messages are written, also by `queue` output bindings.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    visibility_timeout: timedelta = timedelta()
    max_polling_interval: timedelta = timedelta(seconds=2)
    max_dequeue_count: int = 5
    encoding: MessageEncoding = MessageEncoding.BASE64

    @classmethod
    def read(cls, section: Section) -> "QueueOptions":
        """Reads the section `extensions.queues`.

        Raises:
            BrokenSettings: a value has the wrong type, or is out of bounds.
        """
        default = cls()
        batch_size = section.number("batchSize", default.batch_size, range(1, _MAX_BATCH + 1))
        return cls(
            batch_size=batch_size,
            new_batch_threshold=section.number("newBatchThreshold", batch_size // 2, range(_MAX_COUNT)),
            visibility_timeout=section.timespan("visibilityTimeout", default.visibility_timeout),
            max_polling_interval=section.timespan("maxPollingInterval", default.max_polling_interval),
            max_dequeue_count=section.number(
                "maxDequeueCount", default.max_dequeue_count, range(1, _MAX_COUNT)
            ),
            encoding=section.choice("messageEncoding", default.encoding),
        )


@dataclass(frozen=True, slots=True)
class BlobOptions:
    """How blob triggers work.

    Attributes:
        at_once: how many calls of all blob functions run at once.
        tries: how often a blob is tried before a message goes to the poison queue.
    """

    at_once: int = 8 * (os.cpu_count() or 1)
    tries: int = 5

    @classmethod
    def read(cls, section: Section) -> "BlobOptions":
        """Reads the section `extensions.blobs`.

        Raises:
            BrokenSettings: a value has the wrong type, or is out of bounds.
        """
        default = cls()
        return cls(
            at_once=section.number("maxDegreeOfParallelism", default.at_once, range(1, _MAX_COUNT)),
            tries=section.number("poisonBlobThreshold", default.tries, range(1, _MAX_COUNT)),
        )


def _limit(section: Section, key: str) -> int | None:
    number = section.number(key, _NO_LIMIT, range(_NO_LIMIT, _MAX_REQUESTS))
    return None if number == _NO_LIMIT else max(1, number)
