"""Ids of jobs: made up, or following from a client's key; an id of another shape is not a job's."""

import hashlib
import re
from uuid import uuid4

from shared_code.errors import InvalidIdempotencyKey

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def new_job_id() -> str:
    """An id for a job that nobody will ask for again."""
    return uuid4().hex


def keyed_job_id(idempotency_key: str) -> str:
    """The one id that follows from a client's Idempotency-Key.

    Raises:
        InvalidIdempotencyKey: the key is blank, too long or not printable ASCII.
    """
    if not idempotency_key.strip() or not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidIdempotencyKey
    return hashlib.blake2b(idempotency_key.encode(), digest_size=16, person=b"idempotency-key").hexdigest()


def is_job_id(text: str) -> bool:
    """Whether a text has the shape of a job's id; no lane, entity or foreign path has it."""
    return bool(_JOB_ID.fullmatch(text))
