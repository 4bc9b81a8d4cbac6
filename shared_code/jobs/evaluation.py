"""What an evaluation is made of: golden questions, what was found for each, and the figures of all."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Self

from shared_code.jobs.durable import Json

RESULTS = 10
"""How many results a question is judged by."""
_RECALLED = (1, 5, RESULTS)


@dataclass(frozen=True, slots=True)
class GoldenQuestion:
    """A question, and the sources any of which answers it: names of files, or tracking ids of events."""

    text: str
    sources: tuple[str, ...]

    def to_json(self) -> Json:
        """JSON values only."""
        return {"question": self.text, "sources": list(self.sources)}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(value["question"], tuple(value["sources"]))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a search found for a golden question.

    Attributes:
        rank: of the first result that is of one of its sources; None if there was none.
        found: where the first results are from, each source once.
        not_indexed: those of its sources that the index does not have; only of a question that was missed.
    """

    rank: int | None
    found: tuple[str, ...] = ()
    not_indexed: tuple[str, ...] = ()

    def lacking(self, sources: AbstractSet[str]) -> "Asked":
        """The same, with those sources of a question that was missed which the index does not have."""
        return replace(self, not_indexed=tuple(sorted(sources))) if self.rank is None else self

    def to_json(self) -> Json:
        """JSON values only."""
        return {"rank": self.rank, "found": list(self.found), "notIndexed": list(self.not_indexed)}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(rank=value["rank"], found=tuple(value["found"]), not_indexed=tuple(value["notIndexed"]))


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A golden question that was not answered, and what was found instead."""

    question: GoldenQuestion
    asked: Asked

    def to_json(self) -> Json:
        """As a client reads it."""
        lacking = {"notIndexed": list(self.asked.not_indexed)} if self.asked.not_indexed else {}
        return {**self.question.to_json(), "found": list(self.asked.found), **lacking}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        not_indexed = tuple(value.get("notIndexed", ()))
        asked = Asked(rank=None, found=tuple(value["found"]), not_indexed=not_indexed)
        return cls(question=GoldenQuestion.from_json(value), asked=asked)


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well a version answered its questions; all figures are between 0 and 1.

    Attributes:
        recall: the shares of questions that the first, the first five and the first ten results answer.
        mrr: the mean of 1/rank, with 0 for a question that was missed.
    """

    recall: tuple[float, ...]
    mrr: float

    @classmethod
    def of(cls, ranks: Sequence[int | None]) -> Self:
        """The quality of answers with these ranks, of which there is at least one."""
        known = [rank for rank in ranks if rank is not None]
        return cls(
            recall=tuple(round(sum(rank <= top for rank in known) / len(ranks), 4) for top in _RECALLED),
            mrr=round(sum(1 / rank for rank in known) / len(ranks), 4),
        )

    @property
    def figures(self) -> dict[str, float]:
        """All figures by their names."""
        recall = {f"recall@{top}": share for top, share in zip(_RECALLED, self.recall, strict=True)}
        return {**recall, "mrr": self.mrr}

    @classmethod
    def from_figures(cls, figures: Json) -> Self:
        """Reads what figures gave."""
        return cls(recall=tuple(figures[f"recall@{top}"] for top in _RECALLED), mrr=figures["mrr"])

    def falls_below(self, other: "Quality", *, by: float) -> list[str]:
        """The names of the figures that are lower than another's by more than `by`."""
        theirs = other.figures
        # Rounded, since a difference of two shares is not exact.
        return [name for name, figure in self.figures.items() if round(theirs[name] - figure, 6) > by]
