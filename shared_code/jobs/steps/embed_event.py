"""The steps of the job of a live event."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.embed_event import EmbedEventJob


@dataclass(frozen=True, kw_only=True)
class FetchEvent:
    """Look a live event up, and check its details."""

    KIND: ClassVar[str] = "embed-event"
    NAME: ClassVar[str] = "fetch-event"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "fetch-event-activity"

    job_id: str
    job: EmbedEventJob

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "job": self.job.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], job=EmbedEventJob.from_json(value["job"]))


@dataclass(frozen=True, kw_only=True)
class EmbedEvent(FetchEvent):
    """Bring a live event into the index.

    Attributes:
        paid: what earlier tries of the step have counted as spent.
        tallies: of those that could not count it, by their names, where the stored one may be wrong.
    """

    NAME: ClassVar[str] = "embed-event"
    activity: ClassVar[str] = "embed-event-activity"

    paid: Counts = field(default_factory=dict)
    tallies: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """The activity's input."""
        own: Json = {"paid": dict(self.paid), "tallies": self.tallies}
        return {**super().to_json(), **{name: value for name, value in own.items() if value}}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        job = EmbedEventJob.from_json(value["job"])
        return cls(
            job_id=value["jobId"],
            job=job,
            paid=value.get("paid", {}),
            tallies=value.get("tallies", {}),
        )


@dataclass(frozen=True, kw_only=True)
class EventFetched:
    """How long the text of an event is: the text itself does not travel through the history.

    Attributes:
        characters: of the text.
        tokens: that embedding it takes at most.
    """

    characters: int
    tokens: int = 0

    def to_json(self) -> Json:
        """The activity's answer."""
        return {"characters": self.characters, "tokens": self.tokens}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(characters=value["characters"], tokens=value.get("tokens", 0))


@dataclass(frozen=True, kw_only=True)
class PoisonEvent(FetchEvent):
    """Put the message of an event that could not be embedded on the poison queue."""

    NAME: ClassVar[str] = "poison-event"
    activity: ClassVar[str] = "poison-event-activity"
