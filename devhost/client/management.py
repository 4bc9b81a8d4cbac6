"""The management API of a running host, as the commands use it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from devhost.client.errors import NoHost, Refused, UnknownInstance

_ROOT = "/runtime/webhooks/durabletask"
_ADMIN = "/admin"
_CONTINUATION = "x-ms-continuation-token"
_HISTORY = ("showHistory", "showHistoryOutput", "showStartTimes")
_SECONDS = 30.0  # how long a host may take to answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host answered; `body` is its JSON, or `None`."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def reason(self) -> str:
        """What the host says of a refusal."""
        if isinstance(self.body, dict):
            return str(self.body.get("ExceptionMessage") or self.body.get("Message"))
        return str(self.body or f"status {self.status}")


class ManagementClient:
    """Asks the host at an address such as `http://localhost:7071`, or `localhost:7071`."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        self._place = parts.netloc
        self.origin = f"http://{parts.netloc}"

    def instances(self, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Every instance that a query names, page by page."""
        token: str | None = None
        while token != "":
            answer = self._call("GET", "instances", query={**query, "showInput": "false"}, token=token)
            yield from self._checked(answer)
            token = answer.headers.get(_CONTINUATION, "")

    def instance(self, instance_id: str, *, history: bool = False) -> dict[str, Any]:
        """An instance's status, with its history if asked for.

        Raises:
            UnknownInstance: there is none.
        """
        query = dict.fromkeys(_HISTORY, "true") if history else {}
        answer = self._call("GET", _path(instance_id), query=query)
        if answer.status == http.client.NOT_FOUND:
            raise UnknownInstance(instance_id)
        found: dict[str, Any] = self._checked(answer)
        return found

    def why(self, instance_id: str) -> dict[str, Any] | None:
        """Why an instance has not ended; `None` if it has.

        Raises:
            UnknownInstance: there is none.
        """
        answer = self._call("GET", f"{_path(instance_id)}/why")
        if answer.status == http.client.NOT_FOUND:
            raise UnknownInstance(instance_id)
        found: dict[str, Any] | None = self._checked(answer)
        return found

    def queues(self) -> list[dict[str, Any]]:
        """The queues that functions are run for, as they stand."""
        found: list[dict[str, Any]] = self._checked(self._call("GET", "queues", root=_ADMIN))
        return found

    def start(
        self, name: str, *, body: str | None, instance_id: str | None, version: str | None
    ) -> dict[str, Any]:
        """Starts an orchestration and returns its links.

        Raises:
            Refused: an instance of the id has not ended.
        """
        path = "/".join(
            ("orchestrators", quote(name, safe=""), *([_quoted(instance_id)] if instance_id else ()))
        )
        query = {"version": version} if version else {}
        started: dict[str, Any] = self._checked(self._call("POST", path, query=query, body=body))
        return started

    def raise_event(self, instance_id: str, event: str, data: str) -> None:
        """Raises an external event; `data` is JSON text.

        Raises:
            UnknownInstance: there is no such instance.
            Refused: it takes no more events.
        """
        self.act(instance_id, f"raiseEvent/{quote(event, safe='')}", body=data)

    def act(
        self,
        instance_id: str,
        operation: str,
        *,
        query: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> Any:
        """Does something to an instance.

        Raises:
            UnknownInstance: there is none.
            Refused: its status does not allow it.
        """
        answer = self._call("POST", f"{_path(instance_id)}/{operation}", query=query, body=body)
        if answer.status == http.client.GONE:
            status = self.instance(instance_id)["runtimeStatus"]
            raise Refused(f"Instance {instance_id!r} has ended already: its status is {status}.")
        if answer.status == http.client.NOT_FOUND:
            raise UnknownInstance(instance_id)
        return self._checked(answer)

    def history(self, instance_id: str) -> list[dict[str, Any]]:
        """The events of an instance as its orchestrator gets them, which `app.replay` takes.

        Raises:
            UnknownInstance: there is no such instance.
        """
        query = {"showHistory": "true", "showRecordedHistory": "true"}
        answer = self._call("GET", _path(instance_id), query=query)
        if answer.status == http.client.NOT_FOUND:
            raise UnknownInstance(instance_id)
        recorded: list[dict[str, Any]] = self._checked(answer).get("recordedHistory", [])
        return recorded

    def logs(self, instance_id: str) -> list[dict[str, Any]]:
        """The records of the host's log that belong to an instance, oldest first."""
        records: list[dict[str, Any]] = self._checked(
            self._call("GET", "logs", query={"instance": instance_id}, root=_ADMIN)
        )
        return records

    def signal(self, name: str, key: str, operation: str, *, body: str | None) -> None:
        """Sends an entity a request that nobody waits for.

        Raises:
            Refused: the app has no such entity.
        """
        self._checked(self._call("POST", _entity(name, key), query={"op": operation}, body=body))

    def entity_state(self, name: str, key: str) -> Any:
        """What an entity holds.

        Raises:
            UnknownInstance: it holds nothing, and may never have been asked anything.
        """
        answer = self._call("GET", _entity(name, key))
        if answer.status == http.client.NOT_FOUND:
            raise UnknownInstance(f"@{name.lower()}@{key}")
        return self._checked(answer)

    def run(self, function: str, text: str) -> Any:
        """Runs a function as its trigger would, waits for its end, and returns what an activity returns.

        Raises:
            Refused: it failed, or there is none of the name that can be run.
        """
        path = f"functions/{quote(function, safe='')}"
        body = json.dumps({"input": text})
        answer = self._call("POST", path, query={"wait": "true"}, body=body, root=_ADMIN, seconds=None)
        if answer.status == http.client.NOT_FOUND:
            raise Refused(f"The app has no function {function!r} that the host has loaded.")
        if answer.status == http.client.INTERNAL_SERVER_ERROR:
            raise Refused(f"{function} failed: {answer.reason}")
        return self._checked(answer)["result"]

    def purge(self, instance_id: str) -> None:
        """Forgets an ended instance.

        Raises:
            UnknownInstance: there is none.
            Refused: it has not ended.
        """
        answer = self._call("DELETE", _path(instance_id))
        if answer.status == http.client.NOT_FOUND:
            raise UnknownInstance(instance_id)
        self._checked(answer)

    def purge_by(self, query: Mapping[str, str]) -> int:
        """Forgets the ended instances that a query names and returns how many they were."""
        answer = self._call("DELETE", "instances", query=query)
        if answer.status == http.client.NOT_FOUND:
            return 0
        return int(self._checked(answer)["instancesDeleted"])

    def _checked(self, answer: Answer) -> Any:
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(f"The host refused: {answer.reason}")
        return answer.body

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: str | None = None,
        token: str | None = None,
        root: str = _ROOT,
        seconds: float | None = _SECONDS,
    ) -> Answer:
        target = f"{root}/{path}?{urlencode(query or {})}"
        headers = {} if body is None else {"Content-Type": "application/json"}
        headers |= {_CONTINUATION: token} if token else {}
        content = None if body is None else body.encode()
        try:
            connection = http.client.HTTPConnection(self._place, timeout=seconds)
            try:
                connection.request(method, target, content, headers)
                return self._answer(connection.getresponse())
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise NoHost(self.origin, getattr(error, "strerror", None) or error) from error

    def _answer(self, response: http.client.HTTPResponse) -> Answer:
        text = response.read().decode()
        try:
            body = json.loads(text) if text else None
        except ValueError as error:
            raise NoHost(self.origin, "something other than a Functions host answers there") from error
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _path(instance_id: str) -> str:
    return f"instances/{_quoted(instance_id)}"


def _entity(name: str, key: str) -> str:
    return f"entities/{_quoted(name)}/{_quoted(key)}"


def _quoted(instance_id: str) -> str:
    return quote(instance_id, safe="")
