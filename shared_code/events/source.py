"""The details of live events, from the events service or the table `events`, checked before they are used.

AppError <- Permanent: EventNotFound, EventInvalid, EventMismatch: this event cannot be embedded (yet)
                       EventsUnusable: the source of events refuses the app
         <- Passing: EventsUnavailable: the source of events fails
         <- Strange: EventsStrange: what answers is not a source of events, perhaps for a while

Which source there is, is up to the settings; both give the same Event or raise the same errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from shared_code.errors import AppError, Passing, Permanent, Strange
from shared_code.http_pool import (
    DENIED,
    Limits,
    ResponseNotJson,
    ResponseTooLarge,
    Service,
    ServiceClient,
    ServiceError,
    StatusError,
    Timeouts,
    TokenUnavailable,
    may_pass,
)
from shared_code.storage.tables import StorageTable

TABLE = "events"
MAX_TEXT = 100_000
LOOK_UPS_AT_ONCE = 32
# A text is at most four bytes a character as JSON's UTF-8, or six where it is escaped; the rest is room.
_MAX_ANSWER_BYTES = 1_000_000
# A look-up that takes longer is repeated by the workflow, whose durable timers hold no activity meanwhile.
_TIMEOUTS = Timeouts(attempt=10.0, total=30.0)
_MAX_TIME = 64
# An answer that has neither, such as a gateway's message in JSON, is not an event.
_OF_AN_EVENT = {"sessionId", "text"}


class EventNotFound(Permanent):
    """No event has this trackingId."""


class EventInvalid(Permanent):
    """The details of an event cannot be used."""


class EventMismatch(Permanent):
    """An event belongs to another session than the job says."""


class EventsUnavailable(Passing):
    """The events source is not answering correctly."""

    service: ClassVar[str] = "events"


class EventsStrange(Strange):
    """What answers at EVENTS_ENDPOINT is not the events service: if this lasts, correct its address."""

    service: ClassVar[str] = "events"


class EventsUnusable(Permanent):
    """The events service refuses the app."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A live event; its time is as its source tells it, or None."""

    tracking_id: str
    session_id: str
    text: str
    time: str | None


class FetchedEvents:
    """Events between the step that fetches them and the one that embeds them: a bounded number of characters.

    What does not fit any more is forgotten, the oldest first: whoever asks for it has to fetch it again.
    """

    def __init__(self, most_characters: int = 8_000_000) -> None:
        self._events: dict[tuple[str, str], Event] = {}
        self._room = most_characters

    def keep(self, job_id: str, submission: str, event: Event) -> None:
        """Keeps the event of a job's submission; those that share an Idempotency-Key are the same."""
        self.take(job_id, submission)
        self._events[job_id, submission] = event
        self._room -= len(event.text)
        while self._room < 0:
            self.take(*next(iter(self._events)))

    def take(self, job_id: str, submission: str) -> Event | None:
        """Hands the event out, if it is there, and forgets it."""
        event = self._events.pop((job_id, submission), None)
        self._room += len(event.text) if event else 0
        return event


class EventSource(Protocol):
    """Where events are known."""

    async def event(self, tracking_id: str, session_id: str) -> Event:
        """The details of an event.

        Raises:
            EventNotFound: it is not known, or not yet.
            EventInvalid, EventMismatch: its details cannot be used.
            EventsUnavailable, EventsStrange, EventsUnusable, AppError: the source fails, or refuses the app.
        """
        ...


def events_service(endpoint: str) -> Service:
    """The service to register for an EventsClient."""
    limits = Limits(max_connections=LOOK_UPS_AT_ONCE, max_response_bytes=_MAX_ANSWER_BYTES)
    return Service(name=EventsClient.service_name, base_url=endpoint, limits=limits, timeouts=_TIMEOUTS)


class EventsClient(ServiceClient):
    """The events service: `GET /events/{trackingId}` answers `{"sessionId", "text"[, "time"]}`."""

    service_name: ClassVar[str] = "events"

    async def event(self, tracking_id: str, session_id: str) -> Event:
        """The details of an event, as EventSource says."""
        details = await self._details(tracking_id)
        if not isinstance(details, dict) or details.keys().isdisjoint(_OF_AN_EVENT):
            raise EventsStrange
        if details.get("sessionId") != session_id or details.get("trackingId", tracking_id) != tracking_id:
            raise EventMismatch(
                f"The events service knows event {tracking_id} by other ids: check sessionId and trackingId."
            )
        return _event(tracking_id, session_id, details)

    async def _details(self, tracking_id: str) -> Any:
        try:
            return await self.http.get_json(f"/events/{quote(tracking_id, safe='')}")
        except ResponseTooLarge:
            raise _invalid(tracking_id, f"have more than {_MAX_ANSWER_BYTES} bytes") from None
        except StatusError as refusal:
            raise _refused(tracking_id, refusal) from refusal
        except ResponseNotJson as answer:
            raise EventsStrange from answer
        except ServiceError as failure:
            raise _unavailable("check EVENTS_ENDPOINT") from failure


class EventsTable:
    """The table of events: PartitionKey is the session, RowKey the event; `text`, and perhaps `time`."""

    def __init__(self, table: StorageTable) -> None:
        self._table = table

    async def event(self, tracking_id: str, session_id: str) -> Event:
        """The details of an event, as EventSource says."""
        try:
            row = await self._table.row(session_id, tracking_id, select="text,time,Timestamp")
        except TokenUnavailable:
            raise  # the table was not asked
        except ServiceError as failure:
            raise _unavailable("check EVENTS_STORAGE") from failure
        if row is None:
            raise _not_found(tracking_id)
        return _event(tracking_id, session_id, {**row, "time": row.get("time") or row.get("Timestamp")})


def _refused(tracking_id: str, refusal: StatusError) -> AppError:
    status = refusal.status or 0
    if may_pass(status):
        return _unavailable("check EVENTS_ENDPOINT")
    if refusal.is_page:
        return EventsStrange()
    if status == HTTPStatus.NOT_FOUND:
        return _not_found(tracking_id, "; if no event is known, check EVENTS_ENDPOINT")
    what = f"The events service answered {status}: check EVENTS_ENDPOINT."
    return EventsUnusable(what, refused_by=EventsUnavailable.service if status in DENIED else None)


def _unavailable(fix: str) -> EventsUnavailable:
    return EventsUnavailable(f"{EventsUnavailable.__doc__} If this lasts, {fix}.")


def _not_found(tracking_id: str, more: str = "") -> EventNotFound:
    return EventNotFound(f"Event {tracking_id} is not known: check trackingId and sessionId{more}.")


def _invalid(tracking_id: str, what: str) -> EventInvalid:
    return EventInvalid(f"The details of event {tracking_id} {what}: correct them, and submit it again.")


def _event(tracking_id: str, session_id: str, details: Mapping[str, Any]) -> Event:
    text, time = details.get("text"), details.get("time")
    if not isinstance(text, str) or not text.strip():
        raise _invalid(tracking_id, "have no text")
    if len(text) > MAX_TEXT:
        raise _invalid(tracking_id, f"have more than {MAX_TEXT} characters of text")
    if not _is_unicode(text):
        raise _invalid(tracking_id, "contain half a surrogate pair in their text")
    if time is not None and not (isinstance(time, str) and len(time) <= _MAX_TIME and _is_unicode(time)):
        raise _invalid(tracking_id, f"have a `time` that is not a string of up to {_MAX_TIME} characters")
    return Event(tracking_id=tracking_id, session_id=session_id, text=text, time=time)


def _is_unicode(text: str) -> bool:
    """Whether a text can be written: JSON may hold halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
