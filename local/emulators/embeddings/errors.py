"""Refusals in the form of the OpenAI API.

ApiError
├── InvalidRequest    400
├── KeyRefused        401
├── UnknownResource   404
├── TooManyRequests   429
└── ServerFault       500 and above, on a test's order
"""

import math
from http import HTTPStatus


class ApiError(Exception):
    """A request that is not answered with embeddings."""

    status: int = HTTPStatus.BAD_REQUEST
    kind = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.param, self.code = message, param, code

    def body(self) -> dict[str, dict[str, str | None]]:
        """The JSON that the API answers with."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        return {}


class InvalidRequest(ApiError):
    """The request is wrong, and stays so when it is repeated."""


class KeyRefused(ApiError):
    """The key is absent or wrong."""

    status = HTTPStatus.UNAUTHORIZED


class UnknownResource(ApiError):
    """The address leads nowhere."""

    status = HTTPStatus.NOT_FOUND


class TooManyRequests(ApiError):
    """The client has to wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "requests"

    def __init__(self, retry_after: float) -> None:
        """Refuses every request for `seconds`."""
        super().__init__(
            f"Rate limit reached for requests. Please try again in {retry_after:g}s.",
            code="rate_limit_exceeded",
        )
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """The wait in whole seconds, as HTTP has it, and in milliseconds."""
        return {
            "Retry-After": str(math.ceil(self.retry_after)),
            "retry-after-ms": str(math.ceil(self.retry_after * 1000)),
        }


class ServerFault(ApiError):
    """The server fails because a test told it to."""

    kind = "server_error"

    def __init__(self, status: int) -> None:
        super().__init__("The server had an error while processing your request.")
        self.status = status
