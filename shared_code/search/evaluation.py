"""Golden questions: read from JSON lines, asked of one version of an index, and summed up.

A question is answered by a result that is of one of its sources. What is asked is what a client would ask: a
hybrid search, of which the first ten results count.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from shared_code.concurrency import run_all
from shared_code.embeddings.batching import CountedText, Outcome
from shared_code.embeddings.client import Embedding, EmbeddingFailure
from shared_code.errors import InvalidField, InvalidQuestions, Permanent
from shared_code.index.cosmos_search import CosmosSearch, Hit
from shared_code.jobs.evaluation import RESULTS, Asked, GoldenQuestion
from shared_code.jobs.search import Query
from shared_code.search.hybrid import search

MOST_QUESTIONS = 10_000
_MOST_SOURCES = 100
_LONGEST_SOURCE = 1_100
_IN_NO_SOURCE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_AT_ONCE = 4
_FORM = '{"question": "...", "sources": ["container/file"]}'
# A search that is answered without these does not evaluate the version.
_NO_EVALUATION = "WrongDimensions"


class NotSearchable(Permanent):
    """The version cannot be searched by vectors of the model that is set."""


def parse_questions(data: bytes, path: str) -> list[GoldenQuestion]:
    """The questions of a file of JSON lines; empty lines count as lines and are passed over.

    Raises:
        InvalidQuestions: a line is none, there are none or too many; the first line at fault is named.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise InvalidQuestions(path, "save the file as UTF-8", line=line) from None
    # Nothing else ends a line: JSON may hold what Python takes for other ends.
    lines = enumerate(text.split("\n"), start=1)
    questions = [_question(line, path, number) for number, line in lines if line.strip()]
    if not questions:
        raise InvalidQuestions(path, f"the file has none; write one a line, {_FORM}")
    if len(questions) > MOST_QUESTIONS:
        raise InvalidQuestions(path, f"there are {len(questions):,}; use at most {MOST_QUESTIONS:,}")
    return questions


def digest_of(questions: Iterable[GoldenQuestion]) -> str:
    """A hash of what is asked and expected, whatever the order of the lines."""
    lines = sorted(json.dumps((each.text, sorted(each.sources))) for each in questions)
    return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def counted(question: GoldenQuestion) -> CountedText:
    """A question as it is embedded."""
    # Few languages have a token of less than two bytes.
    return CountedText(question.text, 1 + len(question.text.encode()) // 2)


@dataclass(frozen=True)
class _Known:
    """The vector of a question that was embedded together with others."""

    outcome: Embedding

    async def embed(self, text: str) -> Embedding:  # noqa: ARG002 - there is one question
        """That vector."""
        return self.outcome


async def ask(
    index: CosmosSearch, env: str, questions: Sequence[GoldenQuestion], outcomes: Sequence[Outcome]
) -> list[Asked]:
    """What a version of the index finds for each question.

    Args:
        index: the version.
        env: whose it is.
        questions: to ask.
        outcomes: what became of each when it was embedded; one without a vector finds nothing.

    Raises:
        NotSearchable: the vectors of questions and of the index have different sizes.
        Exception: what else an outcome is: it concerns all questions.
    """
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, EmbeddingFailure):
            raise outcome
    asking = (_ask(index, env, *each) for each in zip(questions, outcomes, strict=True))
    return await run_all(asking, at_once=_AT_ONCE)


async def _ask(index: CosmosSearch, env: str, question: GoldenQuestion, outcome: Outcome) -> Asked:
    if isinstance(outcome, Exception):
        return Asked(rank=None)
    answer = await search(index, _Known(outcome), Query(env=env, text=question.text, top=RESULTS))
    if answer.notice and answer.notice.code == _NO_EVALUATION:
        raise NotSearchable(answer.notice.message)
    names = [_name(hit) for hit in answer.hits]
    rank = next((place for place, name in enumerate(names, start=1) if name in question.sources), None)
    return Asked(rank=rank, found=tuple(dict.fromkeys(names)) if rank is None else ())


def _name(hit: Hit) -> str:
    return hit.source or hit.tracking_id or ""


def _question(line: str, path: str, number: int) -> GoldenQuestion:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidQuestions(path, f"write {_FORM}", line=number) from None
    if not isinstance(value, dict):
        raise InvalidQuestions(path, f"write {_FORM}", line=number)
    try:
        return GoldenQuestion(_text(value), _sources(value))
    except InvalidField as error:
        raise InvalidQuestions(path, str(error).rstrip("."), line=number) from None


def _text(value: Mapping[str, Any]) -> str:
    text = value.get("question")
    if not isinstance(text, str):
        raise InvalidField("question", "it is to be a text")
    try:
        return Query.parse({"env": "any", "q": text}).text
    except InvalidField as error:
        raise InvalidField("question", str(error).partition(": ")[2].rstrip(".")) from None


def _sources(value: Mapping[str, Any]) -> tuple[str, ...]:
    sources = value.get("sources")
    if not isinstance(sources, list) or not 0 < len(sources) <= _MOST_SOURCES:
        raise InvalidField("sources", f"give a list of 1 to {_MOST_SOURCES} names")
    for source in sources:
        if (
            not isinstance(source, str)
            or not 0 < len(source) <= _LONGEST_SOURCE
            or _IN_NO_SOURCE.search(source)
        ):
            raise InvalidField("sources", "name files as container/path, or events by their tracking ids")
    return tuple(dict.fromkeys(sources))
