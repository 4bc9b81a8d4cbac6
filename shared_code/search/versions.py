"""The versions of an environment's index: what was found out about each, and which one is live.

What is kept is changed as a whole, and only if nobody else has changed it meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

from shared_code.index.cosmos_versions import Contents, KeptState
from shared_code.index.records import IndexConflict
from shared_code.jobs import Json
from shared_code.jobs.evaluation import Quality

# Of each version, by what was asked; of promotions, all that an operator may want to look up.
_MOST_EVALUATIONS, _MOST_PROMOTIONS = 5, 20
_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What an evaluation of a version has shown.

    Attributes:
        job_id: of its job.
        questions: the path of the questions.
        digest: of what they ask and expect.
        asked: how many there were.
        quality: the figures.
        model: that made the vectors of the questions.
        at: when it ended, as ISO 8601.
    """

    job_id: str
    questions: str
    digest: str
    asked: int
    quality: Quality
    model: str
    at: str

    def to_json(self) -> Json:
        """As it is kept, and as a client reads it."""
        return {
            "job": self.job_id,
            "at": self.at,
            "questions": self.questions,
            "digest": self.digest,
            "asked": self.asked,
            "model": self.model,
            **self.quality.figures,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(
            job_id=value["job"],
            questions=value["questions"],
            digest=value["digest"],
            asked=value["asked"],
            quality=Quality.from_figures(value),
            model=value["model"],
            at=value["at"],
        )


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """That a version went live.

    Attributes:
        version: that did.
        before: the one that was live until then.
        by: who wanted it, if that is known.
        at: when, as ISO 8601.
        forced: whether it did not have to be as good.
    """

    version: str
    before: str | None
    by: str | None
    at: str
    forced: bool

    def to_json(self) -> Json:
        """As it is kept, and as a client reads it."""
        return {
            "live": self.version, "before": self.before, "by": self.by, "at": self.at, "forced": self.forced,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        known = {name: value[name] for name in ("before", "by", "at", "forced")}
        return cls(version=value["live"], **known)


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """What is kept about the versions of an environment.

    Attributes:
        promotions: the newest first: its version is the one that is live.
        evaluations: of each version, the newest first; the last one of each set of questions.
    """

    promotions: Sequence[Promotion] = ()
    evaluations: Mapping[str, Sequence[Evaluation]] = field(default_factory=dict)

    @property
    def live(self) -> str | None:
        """The version that is live, if one is."""
        return self.promotions[0].version if self.promotions else None

    def with_evaluation(self, version: str, evaluation: Evaluation) -> "IndexState":
        """The state with one more evaluation, in place of the last one with the same questions."""
        others = [each for each in self.evaluations.get(version, ()) if each.digest != evaluation.digest]
        of_version = [evaluation, *others][:_MOST_EVALUATIONS]
        return replace(self, evaluations={**self.evaluations, version: of_version})

    def with_promotion(self, promotion: Promotion) -> "IndexState":
        """The state after a promotion."""
        return replace(self, promotions=[promotion, *self.promotions][:_MOST_PROMOTIONS])

    def to_json(self) -> Json:
        """JSON values only."""
        return {
            "promotions": [each.to_json() for each in self.promotions],
            "evaluations": {
                version: [each.to_json() for each in evaluations]
                for version, evaluations in self.evaluations.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Reads what to_json wrote; nothing at all at first."""
        return cls(
            promotions=[Promotion.from_json(each) for each in value.get("promotions", ())],
            evaluations={
                version: [Evaluation.from_json(each) for each in evaluations]
                for version, evaluations in value.get("evaluations", {}).items()
            },
        )


class VersionStore(Protocol):
    """Where the versions of environments are."""

    async def contents(self, env: str) -> list[Contents]:
        """What is in each version of an environment, by their names."""
        ...

    async def state(self, env: str) -> KeptState:
        """What is kept about the versions of an environment."""
        ...

    async def keep(self, env: str, state: KeptState) -> None:
        """Writes what is kept. Raises IndexConflict if it is not as it was read."""
        ...


async def live_version(store: VersionStore, env: str) -> str | None:
    """The version of an environment's index that is live, if one is."""
    return IndexState.from_json((await store.state(env)).value).live


async def keep_evaluation(store: VersionStore, env: str, version: str, evaluation: Evaluation) -> None:
    """Keeps what an evaluation has shown; twice does no harm."""
    await change(store, env, lambda state: state.with_evaluation(version, evaluation))


async def change(store: VersionStore, env: str, to: Callable[[IndexState], IndexState]) -> IndexState:
    """Changes what is kept, from what it is at that moment.

    Args:
        store: where it is kept.
        env: whose versions it is about.
        to: makes the new state of the present one, again and again if others change that meanwhile.

    Raises:
        IndexConflict: others change it all the time.
    """
    for _ in range(_TRIES):
        kept = await store.state(env)
        before = IndexState.from_json(kept.value)
        after = to(before)
        if after == before:
            return before
        try:
            await store.keep(env, KeptState(value=after.to_json(), etag=kept.etag))
        except IndexConflict:
            continue
        return after
    raise IndexConflict


def described(env: str, state: IndexState, contents: Sequence[Contents]) -> Json:
    """What a client sees of an environment's versions."""
    return {
        "env": env,
        "live": state.live,
        "versions": [_version(each, state) for each in contents],
        "promotions": [each.to_json() for each in state.promotions],
    }


def _version(contents: Contents, state: IndexState) -> Json:
    evaluations = state.evaluations.get(contents.version, ())
    return {
        "version": contents.version,
        "live": contents.version == state.live,
        "sources": contents.sources,
        "chunks": contents.chunks,
        "model": contents.model,
        "evaluation": evaluations[0].to_json() if evaluations else None,
    }
