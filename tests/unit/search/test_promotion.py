"""Which version may go live, and what is kept about it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared_code.errors import InvalidField, NotEvaluated, QualityFell, VersionNotFound
from shared_code.index.cosmos_versions import Contents, KeptState
from shared_code.index.records import IndexConflict
from shared_code.jobs.evaluation import Quality
from shared_code.jobs.promotion import PromotionRequest
from shared_code.search.promotion import promote
from shared_code.search.versions import (
    Evaluation,
    IndexState,
    described,
    keep_evaluation,
    live_version,
)

AT = "2026-11-28T12:00:00Z"


@dataclass
class Store:
    """Versions in memory; every write gives a new ETag."""

    names: tuple[str, ...] = ("v1", "v2", "v3")
    states: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    writes: int = 0

    async def contents(self, env: str) -> list[Contents]:
        return [Contents(version=name, sources=2, chunks=7, model="model") for name in self.names]

    async def state(self, env: str) -> KeptState:
        found = KeptState(
            value=self.states.get(env, {}), etag=str(self.writes) if env in self.states else None
        )
        await asyncio.sleep(0)  # others may write meanwhile
        return found

    async def keep(self, env: str, state: KeptState) -> None:
        if state.etag != (str(self.writes) if env in self.states else None):
            raise IndexConflict
        self.states[env], self.writes = state.value, self.writes + 1


def evaluation(
    *, recall: float = 0.8, mrr: float = 0.7, digest: str = "same", job: str = "job"
) -> Evaluation:
    quality = Quality(recall=(recall, recall, recall), mrr=mrr)
    return Evaluation(
        job_id=job,
        questions="golden/q.jsonl",
        digest=digest,
        asked=100,
        quality=quality,
        model="model",
        at=AT,
    )


async def go_live(store: Store, version: str, *, force: bool = False, by: str | None = "ada") -> IndexState:
    return await promote(store, "prod", PromotionRequest(version=version, force=force, by=by), at=AT)


async def test_first_version_goes_live_without_an_evaluation():
    store = Store()
    assert await live_version(store, "prod") is None
    await go_live(store, "v1")
    assert (await live_version(store, "prod"), await live_version(store, "dev")) == ("v1", None)


@pytest.mark.parametrize("figures", [{}, {"recall": 0.79}, {"mrr": 0.69}, {"recall": 1.0, "mrr": 1.0}])
async def test_version_that_falls_by_a_point_at_most_goes_live(figures):
    store = Store()
    await go_live(store, "v1")
    await keep_evaluation(store, "prod", "v1", evaluation())
    await keep_evaluation(store, "prod", "v2", evaluation(**figures))
    assert (await go_live(store, "v2")).live == "v2"


@pytest.mark.parametrize("figures", [{"recall": 0.789}, {"mrr": 0.689}, {"recall": 1.0, "mrr": 0.6}])
async def test_version_of_which_one_figure_falls_by_more_is_refused_with_both(figures):
    store = Store()
    await go_live(store, "v1")
    await keep_evaluation(store, "prod", "v1", evaluation())
    await keep_evaluation(store, "prod", "v2", evaluation(**figures))
    with pytest.raises(QualityFell) as refused:
        await go_live(store, "v2")
    members = refused.value.members
    assert (members["live"]["version"], members["candidate"]["version"]) == ("v1", "v2")
    assert (members["live"]["recall@1"], members["live"]["mrr"]) == (0.8, 0.7)
    assert members["candidate"] == {"version": "v2", **evaluation(**figures).to_json()}
    assert await live_version(store, "prod") == "v1"


@pytest.mark.parametrize("digests", [(), ("other",)])
async def test_versions_without_questions_in_common_are_not_compared(digests):
    store = Store()
    await go_live(store, "v1")
    await keep_evaluation(store, "prod", "v1", evaluation())
    for digest in digests:
        await keep_evaluation(store, "prod", "v2", evaluation(digest=digest))
    with pytest.raises(NotEvaluated):
        await go_live(store, "v2")


async def test_the_newest_questions_that_both_were_asked_decide():
    store = Store()
    await go_live(store, "v1")
    for digest in ("old", "new"):
        await keep_evaluation(store, "prod", "v1", evaluation(digest=digest))
    await keep_evaluation(store, "prod", "v2", evaluation(digest="old", recall=0.1))
    await keep_evaluation(store, "prod", "v2", evaluation(digest="new"))
    await keep_evaluation(store, "prod", "v2", evaluation(digest="unknown to v1", recall=0.1))
    assert (await go_live(store, "v2")).live == "v2"


async def test_last_evaluation_with_the_same_questions_counts():
    store = Store()
    await go_live(store, "v1")
    await keep_evaluation(store, "prod", "v1", evaluation())
    await keep_evaluation(store, "prod", "v2", evaluation(job="first"))
    await keep_evaluation(store, "prod", "v2", evaluation(job="second", recall=0.1))
    with pytest.raises(QualityFell):
        await go_live(store, "v2")


async def test_by_force_any_version_goes_live_and_it_is_kept_who_and_when():
    store = Store()
    await go_live(store, "v1")
    state = await go_live(store, "v2", force=True, by="bob")
    assert [each.to_json() for each in state.promotions] == [
        {"live": "v2", "before": "v1", "by": "bob", "at": AT, "forced": True},
        {"live": "v1", "before": None, "by": "ada", "at": AT, "forced": False},
    ]


async def test_version_that_is_live_already_stays_so_and_nothing_is_kept():
    store = Store()
    await go_live(store, "v1")
    await go_live(store, "v1")
    assert store.writes == 1


async def test_version_that_is_not_there_cannot_go_live_even_by_force():
    with pytest.raises(VersionNotFound, match="no version v9"):
        await go_live(Store(), "v9", force=True)


async def test_of_promotions_at_once_each_is_decided_on_what_is_live_then():
    store = Store()
    await go_live(store, "v1")
    await keep_evaluation(store, "prod", "v1", evaluation(recall=0.5))
    await keep_evaluation(store, "prod", "v2", evaluation(recall=0.9))
    await keep_evaluation(store, "prod", "v3", evaluation(recall=0.6))
    both = await asyncio.gather(go_live(store, "v2"), go_live(store, "v3"), return_exceptions=True)
    assert await live_version(store, "prod") == "v2"
    assert isinstance(both[1], QualityFell)


async def test_evaluations_at_once_are_all_kept():
    store = Store()
    names = [f"v{number}" for number in range(8)]
    await asyncio.gather(*(keep_evaluation(store, "prod", name, evaluation()) for name in names))
    assert set(IndexState.from_json(store.states["prod"]).evaluations) == set(names)


async def test_answer_lists_versions_with_their_last_evaluation():
    store = Store(names=("v1", "v2"))
    await go_live(store, "v1")
    await keep_evaluation(store, "prod", "v1", evaluation())
    body = described("prod", IndexState.from_json(store.states["prod"]), await store.contents("prod"))
    assert (body["env"], body["live"]) == ("prod", "v1")
    assert body["versions"][0] == {
        "version": "v1", "live": True, "sources": 2, "chunks": 7, "model": "model",
        "evaluation": evaluation().to_json(),
    }  # fmt: skip
    assert (body["versions"][1]["live"], body["versions"][1]["evaluation"]) == (False, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "live"),
        ({"live": "v|1"}, "live"),
        ({"live": "v1", "force": "yes"}, "force"),
        ({"live": "v1", "by": ""}, "by"),
        ({"live": "v1", "by": "a\nb"}, "by"),
        ({"live": "v1", "version": "v1"}, "version"),
    ],
)
def test_request_with_a_field_that_cannot_be_used_is_refused_by_its_name(body, field):
    with pytest.raises(InvalidField) as refused:
        PromotionRequest.parse(body, signed_in=None)
    assert refused.value.field == field


def test_who_is_signed_in_counts_for_more_than_what_a_request_says():
    body = {"live": "v1", "by": "eve"}
    assert PromotionRequest.parse(body, signed_in="ada@example.com").by == "ada@example.com"
    assert PromotionRequest.parse(body, signed_in=None).by == "eve"
