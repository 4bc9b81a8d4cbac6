"""What clients may expect of their jobs, in whatever order they decide, while the host dies and time passes.

A model for hypothesis: each rule is something that a client, an operator or the world does. After each one,
every job is looked at: it has one outcome, and one that the decisions allow that were answered.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from local.job_polling import ENDED
from tests.support.control_world import APPROVAL, FILES, PEOPLE, RETENTION, ControlWorld

Outcome = tuple[str, str | None]

COMPLETED: Outcome = ("Completed", None)
CANCELED: Outcome = ("Canceled", None)
DECISIONS: dict[str, Outcome] = {"approve": COMPLETED, "reject": ("Failed", "ApprovalRejected")}
EXPIRED: Outcome = ("Failed", "ApprovalExpired")
KINDS = ("files", "approved-files", "audit", "event", "watch", "approved-watch")
# Of a decision, what an answer says: it holds, it held before, or it is not to be.
_ANSWERS = {HTTPStatus.ACCEPTED, HTTPStatus.OK, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND, 0}
_MOST_JOBS = 6

# Seconds from the beginning of something to the host's death in it; in most cases it lives on.
DEATHS = st.sampled_from([None] * 6 + [0.0, 0.01, 0.03, 0.06, 0.15, 0.4])
# From a submission to its cancel, where one follows at once.
HASTE = st.sampled_from([None] * 4 + [0.0, 0.02, 0.04, 0.08, 0.15, 0.3])
PAUSES = st.sampled_from([timedelta(), timedelta(minutes=50), timedelta(hours=25)])
ASKED = st.lists(
    st.tuples(st.sampled_from(["approve", "reject", "cancel"]), st.integers(0, _MOST_JOBS - 1)),
    min_size=1,
    max_size=4,
)


@dataclass
class Life:
    """A job as its client knows it, from a submission to its end.

    Attributes:
        answers: the status codes of decisions about it; 0 of a host that died over one.
        outcome: as it was first seen.
        expires_at: until when it can be read.
        is_gone: whether it cannot be any more.
    """

    id: str
    kind: str
    key: str
    answers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    outcome: Outcome | None = None
    expires_at: datetime | None = None
    is_gone: bool = False

    @property
    def is_watch(self) -> bool:
        return self.kind.endswith("watch")

    @property
    def may_begin_anew(self) -> bool:
        """Whether its submission, sent again, is a new one."""
        runs_again = self.is_watch or (self.kind == "event" and self.outcome == CANCELED)
        return self.is_gone or (self.outcome is not None and runs_again)

    def possible(self) -> set[Outcome]:
        """The outcomes that the answers allow."""
        decided = {what for what, codes in self.answers.items() if HTTPStatus.ACCEPTED in codes}
        perhaps = {what for what, codes in self.answers.items() if 0 in codes}
        if "cancel" in decided:
            return {CANCELED}
        maybe = {CANCELED} if "cancel" in perhaps else set()
        if self.is_watch:
            return maybe
        assert not {"approve", "reject"} <= decided, "Two decisions about one job were taken."
        if not self.kind.startswith("approved"):
            return {COMPLETED} | maybe
        taken = decided & {*DECISIONS}
        if taken:
            return {DECISIONS[what] for what in taken} | maybe
        return {EXPIRED} | {DECISIONS[what] for what in perhaps & {*DECISIONS}} | maybe


class JobControl(RuleBasedStateMachine):
    """The rules; `story` tells what was done, as races do not repeat themselves."""

    def __init__(self, world: ControlWorld, seen: Counter[str]) -> None:
        super().__init__()
        self.world = world
        self.seen = seen
        self.charged_before = world.embeddings.counters()["tokens"]
        self.lives: list[Life] = []
        self.story: list[str] = []

    @initialize(has_budget=st.booleans(), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    def begin(self, *, has_budget: bool, kinds: list[str]) -> None:
        """A new client submits jobs, with a budget that pays for one or two of them, or without one."""
        self.client = self.world.new_client(has_budget=has_budget)
        for kind in kinds:
            self.submit(kind, None, timedelta(), None)

    @precondition(lambda self: len(self.lives) < _MOST_JOBS)
    @rule(kind=st.sampled_from(KINDS), dies=DEATHS, later=PAUSES, haste=HASTE)
    def submit(self, kind: str, dies: float | None, later: timedelta, haste: float | None) -> None:
        """A client submits a job, again if it hears nothing, and may cancel it soon."""
        key = f"{self.client.corpus.env}-{len(self.lives)}"
        ask = partial(self._submit, kind, key)
        (first,) = self._while_host(dies, later, [ask])
        answer = first if first.status else ask()
        self._tell(f"submit {kind}: {first.status} {answer.status}")
        assert answer.status in {HTTPStatus.ACCEPTED, HTTPStatus.OK}, answer
        life = Life(answer.json()["id"], kind, key)
        self.lives.append(life)
        if haste is not None:
            time.sleep(haste)
            self._tell(f"cancel after {haste} s")
            self._hear("cancel", life, self.client.decide("cancel", life.id))

    @precondition(lambda self: self.lives)
    @rule(number=st.integers(0, _MOST_JOBS - 1))
    def submit_again(self, number: int) -> None:
        """A client sends a submission that it has sent before."""
        life = self._life(number)
        self.world.host.settle()
        self.look()
        answer = self._submit(life.kind, life.key)
        self._tell(f"submit {life.kind} {life.id} again: {answer.status}")
        assert (answer.status, answer.json()["id"]) == (HTTPStatus.ACCEPTED, life.id), answer
        if life.may_begin_anew:
            self.lives[self.lives.index(life)] = Life(life.id, life.kind, life.key)

    @precondition(lambda self: self.lives)
    @rule(asked=ASKED, dies=DEATHS, later=PAUSES)
    def decide(self, asked: list[tuple[str, int]], dies: float | None, later: timedelta) -> None:
        """Clients decide about jobs, all at once; the host may die over it."""
        about = [(what, self._life(number)) for what, number in asked]
        calls = [partial(self.client.decide, what, life.id) for what, life in about]
        had_ended = [life.outcome is not None for _, life in about]
        answers = self._while_host(dies, later, calls)
        for (what, life), had, answer in zip(about, had_ended, answers, strict=True):
            self._hear(what, life, answer)
            assert not (had and answer.status == HTTPStatus.ACCEPTED), "It had ended."

    @precondition(lambda self: any(life.kind.startswith("approved") for life in self.lives))
    @rule(number=st.integers(0, _MOST_JOBS - 1), approved=st.booleans())
    def decide_about_what_waits(self, *, number: int, approved: bool) -> None:
        """A person decides about a job whose status asks for it: it is heard, and that at once."""
        self.world.host.settle()
        waiting = [life for life in self.lives if "approvalUri" in self.client.status(life.id).json()]
        waiting = [life for life in waiting if not life.answers["cancel"]]
        if not waiting:
            return
        life, what = waiting[number % len(waiting)], "approve" if approved else "reject"
        before = self.client.status(life.id).json()["progress"].get("watch", {}).get("round")
        answer = self.client.decide(what, life.id)
        # What a host that died did not answer may have been kept, and holds.
        expected = {HTTPStatus.ACCEPTED}
        if 0 in life.answers["approve"] | life.answers["reject"]:
            expected |= {HTTPStatus.OK, HTTPStatus.CONFLICT}
        assert answer.status in expected, answer
        self._hear(what, life, answer)
        self.world.host.settle()
        after = self.client.status(life.id).json()
        assert "approvalUri" not in after or after["progress"]["watch"]["round"] != before, after

    @rule(minutes=st.sampled_from([0, 1, 70, 605, 26 * 60]), dies=DEATHS, later=PAUSES)
    def pass_time(self, minutes: int, dies: float | None, later: timedelta) -> None:
        """Time passes; the host may die meanwhile."""
        self._tell(f"{minutes} minutes pass")
        if dies is None:
            self.world.host.advance(timedelta(minutes=minutes))
        else:
            self.world.host.begin_to_advance(timedelta(minutes=minutes))
            self._die(dies, later)

    @rule(what=st.sampled_from(["away", "back", "budget", "file"]))
    def happens(self, what: str) -> None:
        """Services go away or come back, a budget is raised, or a file is put where watches look."""
        self._tell(f"it happens: {what}")
        if what == "budget":
            self.world.raise_budget(self.client.corpus.env)
        elif what == "file":
            name, text = f"watched/{len(self.story)}.txt", f"{len(self.story)} {FILES['bears']}"
            self.client.corpus.files.upload_blob(name, text)
        else:
            self.world.is_up(up=what == "back")

    @rule()
    def list_jobs(self) -> None:
        """A client lists its jobs: all that can be read, and each once."""
        self.world.host.settle()
        self.look()
        expected = [life.id for life in self.lives if not life.is_gone and life.kind != "audit"]
        assert sorted(self.client.listed()) == sorted(expected), self.story

    @invariant()
    def look(self) -> None:
        """Every job has the outcome that it had, or one that may be."""
        looks = [partial(self.client.status, life.id) for life in self.lives]
        for life, answer in zip(self.lives, self.world.at_once(looks), strict=True):
            self._require(life, answer.status, answer.json())

    def teardown(self) -> None:
        """Every job ends when time passes and nothing is in its way; what was charged is counted."""
        self.world.is_up(up=True)
        self.world.raise_budget(self.client.corpus.env)
        self.world.host.advance(APPROVAL + timedelta(hours=2))
        for life in self.lives:
            if life.is_watch and life.outcome is None:
                self._hear("cancel", life, self.client.decide("cancel", life.id))
        self.world.host.settle()
        self.look()
        assert all(life.outcome for life in self.lives), (self.lives, self.story)
        for life in self.lives:
            assert not self.world.kept_blobs(f"staging/{life.id}/"), (life, self.story)
            self.world.jobs.add(life.id)
            self.seen[" ".join(filter(None, life.outcome or ()))] += 1
        charged = self.world.embeddings.counters()["tokens"] - self.charged_before
        counted, estimated = self.client.spent()
        assert counted - estimated <= charged <= counted, (counted, estimated, charged, self.story)

    def _require(self, life: Life, code: int, body: dict[str, Any]) -> None:
        about = life, body, self.story
        if code == HTTPStatus.NOT_FOUND:
            assert life.expires_at, about
            assert life.expires_at <= self.world.host.now, about
            life.is_gone = True
            return
        assert code == HTTPStatus.OK, about
        assert not life.is_gone, about
        if body["status"] not in ENDED:
            assert life.outcome is None, about
            return
        outcome = body["status"], body.get("error", {}).get("code")
        if life.outcome is None:
            assert outcome in life.possible(), about
            assert outcome != COMPLETED or _is_right(life, body["result"]), about
            life.outcome, life.expires_at = outcome, datetime.fromisoformat(body["expiresAt"])
        assert life.outcome == outcome, about

    def _submit(self, kind: str, key: str) -> Any:
        return self.client.submit(kind.removeprefix("approved-"), key, needs_approval="approved" in kind)

    def _while_host(
        self, dies: float | None, later: timedelta, calls: Sequence[Callable[[], Any]]
    ) -> list[Any]:
        """What calls return, over which the host may die."""
        if dies is None:
            return self.world.at_once(calls)
        asked = [self.world.clients.submit(call) for call in calls]
        self._die(dies, later)
        return [each.result() for each in asked]

    def _die(self, seconds: float, later: timedelta) -> None:
        time.sleep(seconds)
        self.world.host.kill()
        self.seen["kills"] += 1
        self._tell(f"the host dies after {seconds} s, and comes back {later} later")
        self.world.host.begin(later=later)

    def _hear(self, what: str, life: Life, answer: Any) -> None:
        """Notes the answer to a decision; a job that is Canceled by the time of its answer has heard it."""
        self._tell(f"{what} {life.id}: {answer.status}")
        assert answer.status in _ANSWERS, answer
        is_heard = what == "cancel" and answer.status and answer.json().get("status") == "Canceled"
        life.answers[what].add(HTTPStatus.ACCEPTED if is_heard and life.outcome is None else answer.status)

    def _life(self, number: int) -> Life:
        return self.lives[number % len(self.lives)]

    def _tell(self, text: str) -> None:
        self.story.append(f"{self.world.host.now:%d %H:%M:%S} {text}")


def run_examples(world: ControlWorld, *, examples: int, steps: int, seed: int) -> Counter[str]:
    """Runs examples in a world, each of at most so many steps; counts deaths of the host, and how jobs ended.

    A failure is not made smaller: races are no two times the same. Its story tells what was done.
    """
    seen: Counter[str] = Counter()

    def control() -> JobControl:
        return JobControl(world, seen)

    factory: Any = seeded(seed)(control)
    run_state_machine_as_test(
        factory,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return seen


def require_all_gone(world: ControlWorld) -> None:
    """When they have expired, nothing is left of any job: no status, no row and no blob."""
    world.host.advance(RETENTION + timedelta(hours=2))
    left = [job for job in world.jobs if world.host.api.status(job).status != HTTPStatus.NOT_FOUND]
    assert left == []
    listed = world.host.api.send("GET", "/api/jobs").json()["jobs"]
    assert not world.jobs & {job["id"] for job in listed}
    blobs = [name for name in world.kept_blobs("") if name.split("/")[1] in world.jobs]
    assert blobs == []


def _is_right(life: Life, result: Any) -> bool:
    if life.kind == "audit":
        return bool(result == PEOPLE)
    if life.kind == "event":
        return bool(result["documents"] == 1)
    return bool((result["embedded"], result["failed"]) == (len(FILES), 0))
