"""Client of an embeddings API, in OpenAI's and in Azure OpenAI's form: texts in, checked vectors out.

Permanent <- EmbeddingsUnusable: stops a job: the key, the address or the model is refused
          <- EmbeddingFailure: EmbeddingRefused, EmbeddingInvalid: values: one text has no vector

What a retry of the same request may cure is the pool's to repeat.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import accumulate, pairwise
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from shared_code.embeddings.vectors import Vector
from shared_code.errors import Permanent
from shared_code.http_pool import (
    DEFAULT_METHODS,
    DEFAULT_STATUSES,
    Auth,
    FixedAuth,
    Limits,
    Response,
    RetryPolicy,
    Service,
    ServiceClient,
    ServicePool,
    StatusError,
    Timeouts,
    bearer,
    header,
)

MAX_INPUTS = 2_048
_API_VERSION = "2024-10-21"
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_DEPLOYMENT = re.compile(r"(?P<base>.*)/openai/deployments/(?P<name>[^/]+)")
# Earlier models, and those of compatible servers, refuse the parameter.
_KNOWS_DIMENSIONS = re.compile(r"text-embedding-([3-9]|\d{2,})")
# Services quote the key that they refuse, whole or in part: their words would reach logs and results.
_KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_UNUSABLE = _KEY_REFUSED | {HTTPStatus.NOT_FOUND}
_TOO_MUCH = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
# A 400 about one of these holds for every text, so that no smaller batch can help.
_SETTINGS = {"model", "dimensions", "encoding_format"}
_ANSWERS = 2
_SCOPE = "https://cognitiveservices.azure.com/.default"
# Embedding the same text twice changes nothing, so that a POST may be repeated. The service's rate limits are
# by the minute: a caller that waits one out loses nothing.
_RETRIES = RetryPolicy(
    attempts=6,
    methods=DEFAULT_METHODS | {"POST"},
    statuses=DEFAULT_STATUSES | {HTTPStatus.INTERNAL_SERVER_ERROR},
)
# A slow service has the time of this many attempts, and any service enough to wait out its rate limits.
_ATTEMPTS_IN_TIME = 5
_LEAST_SECONDS = 300.0


class EmbeddingsUnusable(Permanent):
    """The embeddings service cannot be used as it is set up."""


class EmbeddingFailure(Permanent):
    """A text has no vector."""


class EmbeddingRefused(EmbeddingFailure):
    """The embeddings service refused a part of the text."""


class EmbeddingInvalid(EmbeddingFailure):
    """The embeddings service answered with what is no vector of the right size: run the job again."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of one text, and its share of what the service charged for.

    Attributes:
        tokens: of its request, shared out by length.
        requests: that were answered, all counted with the first vector that came of them.
    """

    vector: Vector
    tokens: int
    requests: int = 0


class _Item(msgspec.Struct):
    index: int
    embedding: msgspec.Raw


class _Answer(msgspec.Struct):
    data: list[_Item] = []
    usage: Any = None


_decode = msgspec.json.Decoder(_Answer).decode


@dataclass(frozen=True, kw_only=True)
class EmbeddingsEndpoint:
    """Where embeddings are asked for, as the shape of an address tells.

    Attributes:
        azure: whether keys and tokens are sent in Azure's way.
        deployment: the part of the path that is Azure's; `None` where the address names none.
        api_version: Azure's; empty for OpenAI's form.
    """

    base_url: str
    azure: bool
    deployment: str | None = None
    api_version: str = ""

    @classmethod
    def parse(cls, url: str) -> "EmbeddingsEndpoint":
        """Reads a base such as `https://api.openai.com/v1`, an Azure resource, or an Azure deployment."""
        parts = urlsplit(url)
        path = parts.path.rstrip("/").removesuffix("/embeddings")
        origin = f"{parts.scheme}://{parts.netloc}"
        version = dict(parse_qsl(parts.query)).get("api-version", _API_VERSION)
        on_azure = (parts.hostname or "").endswith(_AZURE_HOSTS)
        if named := _DEPLOYMENT.fullmatch(path):
            base, name = named["base"], named["name"]
            return cls(base_url=origin + base, azure=True, deployment=name, api_version=version)
        if on_azure and not path.endswith("/v1"):
            return cls(base_url=origin + path.removesuffix("/openai"), azure=True, api_version=version)
        return cls(base_url=origin + path, azure=on_azure)

    def auth(self, key: str, tokens_for: Callable[[str], Auth]) -> FixedAuth | Auth | None:
        """How requests are signed; a scope is only asked for where there is no key, and on Azure."""
        if key:
            return header("api-key", key) if self.azure else bearer(key)
        return tokens_for(_SCOPE) if self.azure else None

    def target(self, model: str) -> tuple[str, dict[str, str]]:
        """Path and query parameters for a model; Azure's form has a deployment, which may be named for it."""
        if not self.api_version:
            return "/embeddings", {}
        deployment = self.deployment or model
        return f"/openai/deployments/{deployment}/embeddings", {"api-version": self.api_version}


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


class EmbeddingsClient(ServiceClient):
    """Embeds batches of texts; which model and size is up to the caller, so that a job keeps to its own."""

    service_name: ClassVar[str] = "embeddings"

    def __init__(self, pool: ServicePool, endpoint: EmbeddingsEndpoint) -> None:
        super().__init__(pool)
        self._endpoint = endpoint

    async def embed(
        self, texts: Sequence[str], *, model: str, dimensions: int | None
    ) -> list[Embedding | EmbeddingFailure]:
        """What became of each text, in order; `dimensions` is None for what the model gives by itself.

        A batch that the service finds too large is halved until it passes or a single text is refused.

        Raises:
            EmbeddingsUnusable: key, address or model are refused, so that no text can be embedded.
            ServiceError: the service could not be reached, or failed beyond the pool's retries.
        """
        try:
            return await self._checked(texts, model, dimensions)
        except StatusError as error:
            if _stops_all(error):
                raise EmbeddingsUnusable(_sentence(error)) from error
            if error.status not in _TOO_MUCH:
                raise
            if len(texts) == 1:
                return [EmbeddingRefused(_sentence(error))]
        middle = len(texts) // 2
        halves = (texts[:middle], texts[middle:])
        return [
            outcome
            for half in halves
            for outcome in await self.embed(half, model=model, dimensions=dimensions)
        ]

    async def _checked(
        self, texts: Sequence[str], model: str, dimensions: int | None
    ) -> list[Embedding | EmbeddingFailure]:
        """Asks once more when an answer is not right: a service that garbled one may not garble the next."""
        usage = requests = 0
        outcomes: list[Embedding | EmbeddingFailure] = []
        while requests < _ANSWERS:
            answer = await self._ask(texts, model, dimensions)
            requests += 1
            usage += _usage(answer)
            outcomes = _outcomes(answer, _shares(usage, texts), dimensions)
            if all(isinstance(outcome, Embedding) for outcome in outcomes):
                break
        return _counted(outcomes, requests)

    async def _ask(self, texts: Sequence[str], model: str, dimensions: int | None) -> _Answer:
        path, params = self._endpoint.target(model)
        # Not base64, which is half as long: the index wants the numbers as text.
        body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "float"}
        if dimensions and _KNOWS_DIMENSIONS.search(model):
            body["dimensions"] = dimensions
        return _read(await self.http.post(path, json=body, params=params))


def _read(response: Response) -> _Answer:
    try:
        return _answer(response.body)
    except msgspec.DecodeError:
        response.json()  # raises, unless it was only NaN, which is no JSON and is written all the same
        # As null it spoils no vector but its own.
        return _answer(json.dumps(json.loads(response.body, parse_constant=lambda _: None)))


def _answer(body: bytes | str) -> _Answer:
    try:
        return _decode(body)
    except msgspec.ValidationError:
        return _Answer()  # JSON of another shape has no vectors


def _outcomes(
    answer: _Answer, shares: list[int], dimensions: int | None
) -> list[Embedding | EmbeddingFailure]:
    vectors = {item.index: _vector(item.embedding) for item in answer.data}
    if set(vectors) != set(range(len(shares))):
        what = f"The embeddings service answered {len(vectors)} vectors for {len(shares)} texts"
        return [EmbeddingInvalid(f"{what}: run the job again.") for _ in shares]
    size = dimensions or next((vector.dimensions for vector in vectors.values() if vector), 0)
    return [_outcome(vectors[index], tokens, size) for index, tokens in enumerate(shares)]


def _vector(value: msgspec.Raw) -> Vector | None:
    try:
        # Copied, so that the answer to many texts is not kept for the sake of one.
        return Vector.parse(bytes(value))
    except ValueError:
        return None


def _outcome(vector: Vector | None, tokens: int, size: int) -> Embedding | EmbeddingFailure:
    if vector is None:
        return EmbeddingInvalid("The embeddings service answered what is no vector: run the job again.")
    if vector.dimensions != size or not size:
        what = f"The embeddings service answered {vector.dimensions} numbers instead of {size}"
        return EmbeddingInvalid(f"{what}: check EMBEDDINGS_DIMENSIONS, or run the job again.")
    return Embedding(vector, tokens)


def _counted(
    outcomes: list[Embedding | EmbeddingFailure], requests: int
) -> list[Embedding | EmbeddingFailure]:
    """The outcomes with the requests that led to them."""
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Embedding):
            return [*outcomes[:number], replace(outcome, requests=requests), *outcomes[number + 1 :]]
    return outcomes


def _usage(answer: _Answer) -> int:
    usage = answer.usage
    tokens = usage.get("total_tokens", usage.get("prompt_tokens")) if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) else 0


def _shares(total: int, texts: Sequence[str]) -> list[int]:
    """Divides tokens among texts by their lengths, so that the shares add up to the total."""
    ends = list(accumulate((len(text) for text in texts), initial=0))
    return [total * end // ends[-1] - total * start // ends[-1] for start, end in pairwise(ends)]


def _stops_all(error: StatusError) -> bool:
    details = _details(error)
    if error.status in _UNUSABLE or details.get("code") == "insufficient_quota":
        return True
    return error.status == HTTPStatus.BAD_REQUEST and details.get("param") in _SETTINGS


def _sentence(error: StatusError) -> str:
    reason = "" if error.status in _KEY_REFUSED else f": {_message(error)}"
    what = f"The embeddings service answered {error.status}{reason}"
    fix = "check EMBEDDINGS_ENDPOINT, EMBEDDINGS_API_KEY and EMBEDDINGS_MODEL"
    return f"{what}; {fix}." if _stops_all(error) else f"{what}."


def _message(error: StatusError) -> str:
    return str(_details(error).get("message") or "no reason given")[:300].rstrip(".")


def _details(error: StatusError) -> dict[str, Any]:
    try:
        details = json.loads(error.body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return details if isinstance(details, dict) else {}
