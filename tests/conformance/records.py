"""What happened in one run of the scenario app, on the real engine or on this host, and how it is read."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RECORDS = Path(__file__).parent / "records"
STATE_LABEL = "\n\n$OutOfProcData$:"  # parts an orchestrator's error text from its state


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; `body` is JSON, or None where nothing was sent."""

    name: str
    method: str
    path: str
    body: Any
    status: int
    headers: dict[str, str]
    text: str

    @property
    def content(self) -> Any:
        """The answer's JSON, or its text if it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return self.text


@dataclass(frozen=True)
class Call:
    """A call of an orchestrator or entity: the JSON that was handed in, and the answer's."""

    name: str
    given: dict[str, Any]
    answer: Any


@dataclass(frozen=True)
class Run:
    """Everything that was recorded; calls are in the order in which they ended."""

    exchanges: list[Exchange]
    episodes: list[Call]
    entities: list[Call]
    starter: dict[str, Any]


def recorded_run() -> Run:
    """The run on the real engine."""
    return Run(
        exchanges=[Exchange(**line) for line in _lines("exchanges")],
        episodes=[Call(**line) for line in _lines("episodes")],
        entities=[Call(**line) for line in _lines("entities")],
        starter=next(_lines("starter")),
    )


def run_of(app: Path, exchanges: list[Exchange]) -> Run:
    """The run of which the scenario app's own records lie in its folder."""
    return Run(
        exchanges,
        episodes=[parse_call(**line) for line in _parsed(app / "episodes.jsonl")],
        entities=[parse_call(**line) for line in _parsed(app / "entities.jsonl")],
        starter=json.loads(next(_parsed(app / "starters.jsonl"))["starter"]),
    )


def parse_call(name: str, body: str, out: str = "", raised: str = "") -> Call:
    """A call from the texts that the scenario app writes down."""
    error, label, state = raised.partition(STATE_LABEL)
    answer = {"raised": error, "state": json.loads(state)} if label else json.loads(out)
    return Call(name, json.loads(body), answer)


def _parsed(file: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def _lines(kind: str) -> Iterator[Any]:
    with gzip.open(_RECORDS / f"{kind}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)
