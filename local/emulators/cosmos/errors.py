"""Refusals in the form of the Cosmos DB API.

ServiceError
├── BadRequest            400
│   ├── NotServable       400 / 1004, the client has to ask for a query plan
│   └── Unsupported       400, the service can do it and this stand-in cannot
├── NotFound              404
├── Conflict              409
├── PreconditionFailed    412
├── TooLarge              413
└── Unavailable           503
"""

from http import HTTPStatus


class ServiceError(Exception):
    """A request that is refused."""

    status: int = HTTPStatus.BAD_REQUEST
    code = "BadRequest"
    substatus = 0

    def body(self) -> dict[str, str]:
        """The JSON that the API answers with."""
        return {"code": self.code, "message": str(self)}


class BadRequest(ServiceError):
    """The request is wrong, and stays so when it is repeated."""


class PartitionKeyMismatch(BadRequest):
    """The partition key of the request is not that of the item."""

    substatus = 1001


class NotServable(BadRequest):
    """The query needs work by the client, which has to ask for a plan of it."""

    substatus = 1004


class Unsupported(BadRequest):
    """The service may know it; this stand-in does not."""

    def __str__(self) -> str:
        """A sentence about what it was raised with."""
        return f"{super().__str__()} is not supported by the local stand-in for Cosmos DB."


class NotFound(ServiceError):
    """What the request names does not exist."""

    status = HTTPStatus.NOT_FOUND
    code = "NotFound"


class OwnerNotFound(NotFound):
    """The container or database of what the request names does not exist."""

    substatus = 1003


class Conflict(ServiceError):
    """Something with this id exists already."""

    status = HTTPStatus.CONFLICT
    code = "Conflict"


class PreconditionFailed(ServiceError):
    """The item is not as the request wants it."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "PreconditionFailed"


class TooLarge(ServiceError):
    """The item or the batch is larger than the service takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "RequestEntityTooLarge"


class Unavailable(ServiceError):
    """What answers such requests has just ended; the next one is answered."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ServiceUnavailable"
