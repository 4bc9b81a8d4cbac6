"""Client of an embeddings API, in OpenAI's and in Azure OpenAI's form: texts in, checked vectors out.

Permanent <- EmbeddingsUnusable: stops a job: the key, the address or the model is refused
             <- WrongDimensions: every vector has another size than the one that was asked for
          <- EmbeddingFailure: EmbeddingRefused, EmbeddingInvalid: values: one text has no vector
Strange <- EmbeddingsStrange: stops a step: what answers is not an embeddings service, perhaps for a while

What was refused or never sent is the pool's to repeat. What was sent and not answered may have been charged:
it is put on the bill before it is sent again.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import accumulate, pairwise
from typing import Any, ClassVar

import msgspec

from shared_code.embeddings.endpoint import EmbeddingsEndpoint
from shared_code.embeddings.vectors import Vector
from shared_code.errors import Permanent, Strange
from shared_code.http_pool import (
    DEFAULT_METHODS,
    DEFAULT_STATUSES,
    DENIED,
    AttemptTimeout,
    Auth,
    ConnectionLost,
    DeadlineExceeded,
    FixedAuth,
    Limits,
    Response,
    ResponseBroken,
    ResponseTooLarge,
    RetryPolicy,
    Service,
    ServiceClient,
    ServiceError,
    ServicePool,
    StatusError,
    Timeouts,
)

MAX_INPUTS = 2_048
_UNUSABLE = DENIED | {HTTPStatus.NOT_FOUND}
_TOO_MUCH = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
# A 400 about one of these holds for every text, so that no smaller batch can help.
_SETTINGS = {"model", "dimensions", "encoding_format"}
_LARGE_ANSWER = 200_000  # bytes, some ten vectors


@dataclass(frozen=True, kw_only=True)
class _OfKnownOutcome(RetryPolicy):
    """Repeats what was refused or never sent, and nothing that may have been charged."""

    def covers(self, method: str, headers: Mapping[str, str], failure: ServiceError) -> bool:
        """Whether the pool may send the request again by itself."""
        return not _may_be_charged(failure) and super().covers(method, headers, failure)


# Embedding the same text twice changes nothing, so that a POST may be repeated. The service's rate limits are
# by the minute: a caller that waits one out loses nothing.
_RETRIES = _OfKnownOutcome(
    attempts=6,
    methods=DEFAULT_METHODS | {"POST"},
    statuses=DEFAULT_STATUSES | {HTTPStatus.INTERNAL_SERVER_ERROR},
)
# A slow service has the time of this many attempts, and any service enough to wait out a limit by the minute.
# What takes longer is for the job to wait for, with durable timers and in sight.
_ATTEMPTS_IN_TIME = 2
_LEAST_SECONDS = 120.0
_OF_QUESTIONS = Timeouts(connect=2.0, attempt=4.0, total=6.0)


class EmbeddingsUnusable(Permanent):
    """The embeddings service cannot be used as it is set up."""


class WrongDimensions(EmbeddingsUnusable):
    """Every vector has another size than the one that was asked for."""

    def __init__(self, *, asked: int, answered: int) -> None:
        super().__init__(
            f"The embeddings service answers vectors of {answered} numbers, and EMBEDDINGS_DIMENSIONS asks "
            f"for {asked}: set it to {answered}, or remove it, or use a model that can answer {asked}."
        )


class EmbeddingsStrange(Strange):
    """What answers at EMBEDDINGS_ENDPOINT is not an embeddings service: check the address, if this lasts."""

    service: ClassVar[str] = "embeddings"


class EmbeddingFailure(Permanent):
    """A text has no vector."""


class EmbeddingRefused(EmbeddingFailure):
    """The embeddings service refused a part of the text."""


class EmbeddingInvalid(EmbeddingFailure):
    """The embeddings service returned something that is not a vector of the right size: run the job again."""

    def __init__(self, message: str = "", *, tokens: int = 0) -> None:
        super().__init__(message)
        self.tokens = tokens  # that were charged for it all the same


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of one text, and its share of what the service charged for.

    Attributes:
        tokens: of its requests, shared out by length.
        requests: that were answered, all counted with the first vector that came of them.
    """

    vector: Vector
    tokens: int
    requests: int = 0


@dataclass(slots=True)
class Bill:
    """What was charged for texts, as far as it is known; it is right whenever the asking breaks off.

    Attributes:
        tokens: that the service said it charged.
        requests: that it answered.
        unknown: characters of texts that were sent without an answer that tells the tokens.
    """

    tokens: int = 0
    requests: int = 0
    unknown: int = 0


class _Item(msgspec.Struct):
    index: int
    embedding: msgspec.Raw


class _Body(msgspec.Struct):
    data: list[_Item] = []
    usage: Any = None


_decode = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the service answered.

    Attributes:
        vectors: by the position of the text in the request; None where the answer has something else there.
        tokens: that were charged; None if the answer does not tell.
    """

    vectors: Mapping[int, Vector | None]
    tokens: int | None


def embeddings_service(
    endpoint: EmbeddingsEndpoint, *, auth: FixedAuth | Auth | None, attempt: timedelta, at_once: int
) -> Service:
    """The service to register for an EmbeddingsClient.

    Args:
        endpoint: where it is.
        auth: how its requests are signed.
        attempt: how long one attempt at a request may take.
        at_once: how many requests are under way at most.
    """
    seconds = attempt.total_seconds()
    return Service(
        name=EmbeddingsClient.service_name,
        base_url=endpoint.base_url,
        auth=auth,
        timeouts=Timeouts(attempt=seconds, total=max(_LEAST_SECONDS, _ATTEMPTS_IN_TIME * seconds)),
        limits=Limits(max_connections=at_once),
        retries=_RETRIES,
    )


def questions_service(
    endpoint: EmbeddingsEndpoint, *, auth: FixedAuth | Auth | None, at_once: int
) -> Service:
    """The same service to register for a QuestionsClient: who asks it waits for seconds at most."""
    return Service(
        name=QuestionsClient.service_name,
        base_url=endpoint.base_url,
        auth=auth,
        timeouts=_OF_QUESTIONS,
        limits=Limits(max_connections=at_once),
        retries=replace(_RETRIES, attempts=2, wait_max=0.5, retry_after_max=1.0),
    )


class EmbeddingsClient(ServiceClient):
    """Embeds batches of texts; which model and size is up to the caller, so that a job keeps to its own."""

    service_name: ClassVar[str] = "embeddings"
    # How often a request is sent whose answer does not come.
    sendings: ClassVar[int] = 2

    def __init__(self, pool: ServicePool, endpoint: EmbeddingsEndpoint) -> None:
        super().__init__(pool)
        self._endpoint = endpoint

    async def embed(
        self, texts: Sequence[str], *, model: str, dimensions: int | None, bill: Bill | None = None
    ) -> list[Embedding | EmbeddingFailure]:
        """What became of each text, in order; `dimensions` is None for what the model gives by itself.

        A batch that the service finds too large is halved until it passes or a single text is refused. A text
        whose vector is garbled is asked for once more.

        Args:
            texts: what to embed.
            model: by which model.
            dimensions: numbers of a vector.
            bill: gets what is charged, also when an error is raised.

        Raises:
            EmbeddingsUnusable: key, address, model or dimensions are refused: no text can be embedded.
            EmbeddingsStrange: the answer has not the vectors of its texts, a second time too.
            ServiceError: the service could not be reached, or failed beyond the pool's retries.
        """
        bill = bill or Bill()
        before = bill.requests
        asking = _Asking(model, dimensions, bill)
        return _counted(await self._embedded(texts, asking), bill.requests - before)

    async def _embedded(self, texts: Sequence[str], asking: "_Asking") -> list[Embedding | EmbeddingFailure]:
        try:
            outcomes = await self._answered(texts, asking)
        except StatusError as error:
            if error.is_page and error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise  # a gateway's, which says nothing of key, model and texts
            if _stops_all(error, asking.dimensions):
                refused_by = self.service_name if error.status in DENIED else None
                raise EmbeddingsUnusable(
                    _sentence(error, asking.dimensions), refused_by=refused_by
                ) from error
            if error.status not in _TOO_MUCH:
                raise
            if len(texts) == 1:
                return [EmbeddingRefused(_sentence(error, asking.dimensions))]
            middle = len(texts) // 2
            first = await self._embedded(texts[:middle], asking)
            return [*first, *await self._embedded(texts[middle:], asking)]
        garbled = [n for n, outcome in enumerate(outcomes) if not isinstance(outcome, Embedding)]
        if garbled and not asking.again:
            # A service that garbled one answer may not garble the next.
            size = next((each.vector.dimensions for each in outcomes if isinstance(each, Embedding)), None)
            once_more = replace(asking, again=True, size=size)
            found = await self._embedded([texts[n] for n in garbled], once_more)
            for n, outcome in zip(garbled, found, strict=True):
                outcomes[n] = _better(outcomes[n], outcome)
        return outcomes

    async def _answered(self, texts: Sequence[str], asking: "_Asking") -> list[Embedding | EmbeddingFailure]:
        answer = await self._ask(texts, asking)
        asking.bill.requests += 1
        if answer.tokens is None:
            asking.bill.unknown += _length(texts)
        else:
            asking.bill.tokens += answer.tokens
        return _outcomes(answer.vectors, shares(answer.tokens or 0, [len(text) for text in texts]), asking)

    async def _ask(self, texts: Sequence[str], asking: "_Asking") -> _Answer:
        """Sends a request until it is answered, but not for ever."""
        path, params = self._endpoint.target(asking.model)
        # Not base64, which is half as long: the index wants the numbers as text.
        body: dict[str, Any] = {"model": asking.model, "input": list(texts), "encoding_format": "float"}
        if asking.dimensions:
            body["dimensions"] = asking.dimensions
        sendings = 0
        while True:
            sendings += 1
            try:
                return await _read(await self.http.post(path, json=body, params=params))
            except ServiceError as error:
                if not _may_be_charged(error):
                    raise
                asking.bill.unknown += _length(texts)
                if sendings == self.sendings or isinstance(error, ResponseTooLarge | DeadlineExceeded):
                    raise


class QuestionsClient(EmbeddingsClient):
    """Embeds questions, for which somebody waits: beside the texts of jobs, and with less patience."""

    service_name: ClassVar[str] = "questions"
    sendings: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class _Asking:
    """What texts are asked for, and who pays; `again` if their first vectors were garbled.

    `size` is that of the vectors of other texts, where `dimensions` leaves it to the model.
    """

    model: str
    dimensions: int | None
    bill: Bill
    again: bool = False
    size: int | None = None


def _may_be_charged(error: ServiceError) -> bool:
    """Whether a request was sent and not answered; what is answered with an error is not charged."""
    if isinstance(error, DeadlineExceeded):
        return isinstance(error.__cause__, TimeoutError)  # else it was waiting, not under way
    return isinstance(error, ConnectionLost | AttemptTimeout | ResponseBroken)


async def _read(response: Response) -> _Answer:
    if response.status != HTTPStatus.OK:
        raise EmbeddingsStrange  # a redirection, which nobody follows and nobody charges for
    if len(response.body) < _LARGE_ANSWER:
        return _parsed(response)
    # A hundred vectors take some 10 ms, in which the event loop has others to serve.
    return await asyncio.to_thread(_parsed, response)


def _parsed(response: Response) -> _Answer:
    try:
        return _answer(response.body)
    except (msgspec.DecodeError, RecursionError):
        if response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise EmbeddingsStrange from None
        response.json()  # raises, unless it was only NaN, which is not JSON but is sent all the same
        # As null it spoils no vector but its own.
        return _answer(json.dumps(json.loads(response.body, parse_constant=lambda _: None)))


def _answer(json_text: bytes | str) -> _Answer:
    try:
        body = _decode(json_text)
    except msgspec.ValidationError:
        body = _Body()  # JSON of another shape has no vectors
    return _Answer({item.index: _vector(item.embedding) for item in body.data}, _charged(body.usage))


def _outcomes(
    vectors: Mapping[int, Vector | None], shares: list[int], asking: _Asking
) -> list[Embedding | EmbeddingFailure]:
    if set(vectors) != set(range(len(shares))):
        what = f"The embeddings service answered {len(vectors)} vectors for {len(shares)} texts"
        if asking.again and asking.size is None:  # no text's fault: not one of the first request had a vector
            raise EmbeddingsStrange(f"{what}: if this lasts, check EMBEDDINGS_ENDPOINT.")
        return [EmbeddingInvalid(f"{what}: run the job again.", tokens=tokens) for tokens in shares]
    sizes = {vector.dimensions if vector else 0 for vector in vectors.values()}
    asked = asking.dimensions
    if asked and not asking.again and len(sizes) == 1 and sizes.isdisjoint({0, asked}):
        raise WrongDimensions(asked=asked, answered=sizes.pop())
    own = next((vector.dimensions for vector in vectors.values() if vector), 0)
    size = asked or asking.size or own
    return [_outcome(vectors[index], tokens, size) for index, tokens in enumerate(shares)]


def _better(
    first: Embedding | EmbeddingFailure, second: Embedding | EmbeddingFailure
) -> Embedding | EmbeddingFailure:
    """What became of a text that was asked for twice; a vector cost both times."""
    if isinstance(second, Embedding) and isinstance(first, EmbeddingInvalid):
        return replace(second, tokens=first.tokens + second.tokens)
    return first


def _vector(value: msgspec.Raw) -> Vector | None:
    try:
        # Copied, so that the answer to many texts is not kept for the sake of one.
        return Vector.parse(bytes(value))
    except ValueError:
        return None


def _outcome(vector: Vector | None, tokens: int, size: int) -> Embedding | EmbeddingFailure:
    if vector is None:
        what = "The embeddings service returned something that is not a vector"
        return EmbeddingInvalid(f"{what}: run the job again.", tokens=tokens)
    if vector.dimensions != size or not size:
        what = f"The embeddings service answered {vector.dimensions} numbers instead of {size}"
        fix = "check EMBEDDINGS_DIMENSIONS, or run the job again"
        return EmbeddingInvalid(f"{what}: {fix}.", tokens=tokens)
    return Embedding(vector, tokens)


def _counted(
    outcomes: list[Embedding | EmbeddingFailure], requests: int
) -> list[Embedding | EmbeddingFailure]:
    """The outcomes with the requests that led to them."""
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Embedding):
            return [*outcomes[:number], replace(outcome, requests=requests), *outcomes[number + 1 :]]
    return outcomes


def _charged(usage: Any) -> int | None:
    """The tokens that were charged; None if the answer does not tell."""
    names = ("total_tokens", "prompt_tokens") if isinstance(usage, dict) else ()
    tokens = next((usage[name] for name in names if usage.get(name) is not None), None)
    return tokens if type(tokens) is int and tokens >= 0 else None


def _length(texts: Sequence[str]) -> int:
    return sum(map(len, texts))


def shares(total: int, lengths: Sequence[int]) -> list[int]:
    """Divides a total by lengths, so that the shares add up to it."""
    ends = list(accumulate(lengths, initial=0))
    return [total * end // ends[-1] - total * start // ends[-1] for start, end in pairwise(ends)]


def _stops_all(error: StatusError, dimensions: int | None) -> bool:
    details = _details(error)
    if error.status in _UNUSABLE or details.get("code") == "insufficient_quota":
        return True
    if error.status not in _TOO_MUCH | {HTTPStatus.UNPROCESSABLE_ENTITY}:
        return False
    # Servers whose models have one size refuse in words of their own.
    is_about_size = dimensions is not None and "dimensions" in _message(error).lower()
    return details.get("param") in _SETTINGS or is_about_size


def _sentence(error: StatusError, dimensions: int | None) -> str:
    # Services quote the key that they refuse, whole or in part: their words would reach logs and results.
    reason = "" if error.status in DENIED else f": {_message(error)}"
    what = f"The embeddings service answered {error.status}{reason}"
    if not _stops_all(error, dimensions):
        return f"{what}."
    fix = "check EMBEDDINGS_ENDPOINT, EMBEDDINGS_API_KEY and EMBEDDINGS_MODEL"
    size = f", and EMBEDDINGS_DIMENSIONS, which is {dimensions}" if dimensions else ""
    return f"{what}; {fix}{size}."


def _message(error: StatusError) -> str:
    return str(_details(error).get("message") or "no reason given")[:300].rstrip(".")


def _details(error: StatusError) -> dict[str, Any]:
    try:
        details = json.loads(error.body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return details if isinstance(details, dict) else {}
