"""The embeddings API's own rules: what a request may hold, and what an answer looks like. No I/O."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from local.emulators.embeddings.errors import InvalidRequest
from local.emulators.embeddings.models import Model, Tokens, Vectors

MAX_INPUTS = 2_048
MAX_TOKENS_AN_INPUT = 8_192
MAX_TOKENS_A_REQUEST = 300_000
FORMATS = ("float", "base64")


@dataclass(frozen=True)
class EmbeddingsRequest:
    """A request that keeps the rules that can be checked without a tokenizer."""

    texts: list[str]
    dimensions: int
    encoding_format: str


def parse(body: Any, model: Model) -> EmbeddingsRequest:
    """The request in a JSON body.

    Raises:
        InvalidRequest: it cannot be understood.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("The body of the request is not a JSON object.")
    return EmbeddingsRequest(
        texts=_texts(body.get("input")),
        dimensions=_dimensions(body.get("dimensions"), model),
        encoding_format=_format(body.get("encoding_format")),
    )


def check_tokens(tokens: Sequence[Tokens]) -> int:
    """The tokens of a request in all.

    Raises:
        InvalidRequest: there are too many.
    """
    counts = [len(text) for text in tokens]
    for place, count in enumerate(counts):
        if count > MAX_TOKENS_AN_INPUT:
            raise InvalidRequest(
                f"Invalid 'input[{place}]': maximum context length is {MAX_TOKENS_AN_INPUT} tokens, "
                f"and it has {count}.",
                param="input",
            )
    total = sum(counts)
    if total > MAX_TOKENS_A_REQUEST:
        raise InvalidRequest(
            f"Requested {total} tokens, max {MAX_TOKENS_A_REQUEST} tokens per request.",
            param="input",
            code="max_tokens_per_request",
        )
    return total


def answer(vectors: Vectors, *, encoding_format: str, model: str, tokens: int) -> dict[str, Any]:
    """The answer that carries `vectors` in the order of the inputs, as arrays where numbers are asked for."""
    encoded = _base64(vectors) if encoding_format == "base64" else list(np.ascontiguousarray(vectors))
    data = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(encoded)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise InvalidRequest("'input' must be a string or a list of strings, not empty.", param="input")
    if isinstance(texts[0], int | list):
        raise InvalidRequest(
            "'input' holds tokens, which are another model's: this server takes strings only.", param="input"
        )
    if len(texts) > MAX_INPUTS:
        raise InvalidRequest(f"'input' has {len(texts)} items, maximum {MAX_INPUTS}.", param="input")
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            raise InvalidRequest(f"'input[{place}]' is not a string with text in it.", param="input")
    return texts


def _dimensions(given: Any, model: Model) -> int:
    if given is None:
        return model.dimensions
    if type(given) is not int or not 1 <= given <= model.dimensions:
        raise InvalidRequest(
            f"'dimensions' must be a whole number from 1 to {model.dimensions} for the model {model.name}.",
            param="dimensions",
        )
    return given


def _format(given: Any) -> str:
    if given is None:
        return FORMATS[0]
    if given not in FORMATS:
        raise InvalidRequest("'encoding_format' must be 'float' or 'base64'.", param="encoding_format")
    return str(given)


def _base64(vectors: Vectors) -> list[str]:
    little_endian = np.ascontiguousarray(vectors, dtype="<f4")
    return [base64.b64encode(row.tobytes()).decode() for row in little_endian]
