"""Ids of jobs: their shape, and the one that follows from a client's key."""

import hashlib
import re

from shared_code.errors import InvalidIdempotencyKey

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")


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
