"""What a client asks for who wants a version of an index to go live."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from shared_code.errors import InvalidField
from shared_code.jobs.fields import flag, label, require_known

PROMOTION_BODY = 'a JSON object such as {"live": "v2"}, with "force": true if need be'
FIELDS = ("live", "force", "by")
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class PromotionRequest:
    """That a version is to go live; `by` says who wants it."""

    version: str
    force: bool = False
    by: str | None = None

    @classmethod
    def parse(cls, body: Any, *, signed_in: str | None) -> Self:
        """Reads a request's JSON body; who is `signed_in` counts for more than what that says.

        Raises:
            InvalidField: a field is missing, unknown or malformed; the first one is named.
        """
        if not isinstance(body, dict):
            raise InvalidField("body", f"send {PROMOTION_BODY}")
        require_known(body, FIELDS)
        version = label(body.get("live"), "live")
        return cls(version=version, force=flag(body, "force"), by=signed_in or _name(body))


def _name(body: Mapping[str, Any]) -> str | None:
    by = body.get("by")
    if by is None:
        return None
    if not isinstance(by, str) or not 0 < len(by) <= _LONGEST_NAME or not by.isprintable():
        raise InvalidField("by", f"use 1 to {_LONGEST_NAME} printable characters")
    return by
