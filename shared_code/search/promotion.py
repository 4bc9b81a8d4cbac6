"""Which version of an index may go live: one that answers the same questions no worse than the one that is.

The first version of an environment goes live without an evaluation: there is nothing that it could be worse
than. By force any version does.

ADR 52 has the reasons.
"""

from shared_code.errors import NotEvaluated, QualityFell, VersionNotFound
from shared_code.jobs import Json
from shared_code.jobs.promotion import PromotionRequest
from shared_code.search.versions import Evaluation, IndexState, Promotion, VersionStore, change

_POINT = 0.01


async def promote(store: VersionStore, env: str, request: PromotionRequest, *, at: str) -> IndexState:
    """Makes a version the live one; what is live already stays as it is.

    Raises:
        VersionNotFound: there is no such version.
        QualityFell: it answers the same questions worse than the one that is live.
        NotEvaluated: there are no questions that both were evaluated with.
        IndexConflict: others promote all the time.
    """
    if all(each.version != request.version for each in await store.contents(env)):
        raise VersionNotFound(env, request.version)

    def promoted(state: IndexState) -> IndexState:
        if state.live == request.version:
            return state
        if not request.force:
            require_no_worse(state, request.version)
        return state.with_promotion(
            Promotion(version=request.version, before=state.live, by=request.by, at=at, forced=request.force)
        )

    return await change(store, env, promoted)


def require_no_worse(state: IndexState, version: str) -> None:
    """Checks that a version may take the place of the one that is live.

    Raises:
        QualityFell: one of its figures is lower by more than a point.
        NotEvaluated: the two cannot be compared.
    """
    if state.live is None:
        return
    pair = _compared(state, version, state.live)
    if pair is None:
        raise NotEvaluated(
            f"{version} and {state.live}, which is live, were not evaluated with the same questions: "
            'evaluate both, or send "force": true.',
            live=_last(state, state.live),
            candidate=_last(state, version),
        )
    new, live = pair
    fallen = new.quality.falls_below(live.quality, by=_POINT)
    if fallen:
        figures = ", ".join(
            f"{name} {live.quality.figures[name]:.3f} to {new.quality.figures[name]:.3f}" for name in fallen
        )
        raise QualityFell(
            f"{version} answers {live.asked} questions worse than {state.live}, which is live: {figures}. "
            'Improve it and evaluate it again, or send "force": true.',
            live={"version": state.live, **live.to_json()},
            candidate={"version": version, **new.to_json()},
        )


def _compared(state: IndexState, version: str, live: str) -> tuple[Evaluation, Evaluation] | None:
    """The newest evaluation of a version with questions that the live one was asked, and the latter's."""
    of_live = {each.digest: each for each in state.evaluations.get(live, ())}
    mine = (each for each in state.evaluations.get(version, ()) if each.digest in of_live)
    newest = next(mine, None)
    return (newest, of_live[newest.digest]) if newest else None


def _last(state: IndexState, version: str) -> Json:
    evaluations = state.evaluations.get(version, ())
    return {"version": version, "evaluation": evaluations[0].to_json() if evaluations else None}
