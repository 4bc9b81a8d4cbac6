"""All instances of the task hub, page by page: the SDK's own listing sees the first page and no more."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

from shared_code.errors import HostUnavailable
from shared_code.http_pool import ServiceCaller, ServiceError
from shared_code.jobs.durable import InstancePage, ListedInstance

_PER_PAGE = "500"
_TOKEN = "x-ms-continuation-token"  # noqa: S105 - the name of a header


class HostedInstances:
    """The instances of the task hub, at the host's own address."""

    def __init__(self, http: ServiceCaller) -> None:
        self._http = http

    async def page(self, token: str | None, *, prefix: str = "") -> InstancePage:
        """A page of instances whose ids begin with a prefix.

        Raises:
            HostUnavailable: the host did not answer.
        """
        params = {"top": _PER_PAGE, **({"instanceIdPrefix": prefix} if prefix else {})}
        headers = {_TOKEN: token} if token else {}
        try:
            response = await self._http.get("/instances/", params=params, headers=headers)
            listed = response.json()
        except ServiceError as error:
            raise HostUnavailable from error
        if response.status != HTTPStatus.OK or not isinstance(listed, list):
            raise HostUnavailable
        return InstancePage([_listed(each) for each in listed], response.headers.get(_TOKEN) or None)


def _listed(value: Any) -> ListedInstance:
    return ListedInstance(
        id=value["instanceId"],
        name=value["name"],
        status=value["runtimeStatus"],
        created_at=datetime.fromisoformat(value["createdTime"]),
        last_updated_at=datetime.fromisoformat(value["lastUpdatedTime"]),
        given=_parsed(value.get("input")),
    )


def _parsed(given: Any) -> Any:
    """The input, which the SDK posts as JSON text within JSON."""
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return None
