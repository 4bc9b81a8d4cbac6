"""Instances with which nothing is wrong, each with the wait that is to be told, and no cause for alarm."""

from tests.why.cases import (
    STRICT,
    Case,
    asks_a_busy_entity,
    child,
    hangs,
    of_version,
    passes,
    raises,
    released,
    replaced,
    resumed,
    slow,
    suspended,
    terminated,
    then,
)

EVENTS = [
    Case("waits for its event", "approval", "event", "'approval'"),
    Case("waits for the second", "two_approvals", "event", "'second'", raises("first")),
    Case("waits for either", "one_of_two", "event", "'first', 'second'"),
    Case("the next one came early", "one_after_another", "event", "'step-1'", raises("step-2")),
    Case("the first was read", "one_after_another", "event", "'step-2'", raises("step-1")),
    Case("the first was read, by a name much like it", "likes_names", "event", "'Go'", raises("go")),
    Case("an event of another name lies unread", "approval", "event", "'progress'", raises("progress")),
    Case("waits until an hour", "limited", "event", "or until 2026-01-01T01"),
    Case("was approved in time", "limited", "event", "'payment'", raises("approval")),
    Case("was approved by another name, and went on", "limited", "event", "'payment'",
         then(raises("Approval"), passes(hours=1))),
    Case("went on after an hour", "limited", "event", "'payment'", passes(hours=1)),
    Case("approved, and its child waits", "approved_before", "event", "sub-orchestration",
         raises("approval")),
    Case("approved, and its child is asked", "approved_before", "event", "'approval'", raises("approval"),
         asked=child),
    Case("two wait for the same name", "beside_approval", "event", "'approval'"),
    Case("two wait, and the child has got it", "beside_approval", "event", "'approval'",
         raises("approval", to=child)),
    Case("two wait, and the parent has got it", "beside_approval", "event", "sub-orch", raises("approval")),
    Case("the second wait of a name", "twice", "event", "'go'", raises("go")),
    Case("in its next generation", "next_generation", "event", "'approval'"),
    Case("was suspended and resumed", "approval", "event", "'approval'", then(suspended("lunch"), resumed)),
    Case("with strict parity", "approval", "event", "'approval'", options=STRICT),
]  # fmt: skip

TASKS = [
    Case("waits for an hour", "timer", "timer", "until 2026-01-01T01"),
    Case("waits between polls", "polls", "timer", "until 2026-01-01T01"),
    Case("waits after a poll", "polls", "timer", "until 2026-01-01T02", passes(hours=1)),
    Case("its child waits for an hour", "parent_of_timer", "timer", "sub-orchestration 'timer'"),
    Case("with strict parity", "timer", "timer", "until", options=STRICT),
    Case("of an older version", "timer", "timer", "until", options=of_version("2.0"), version="1.0"),
    Case("a status of other words", "speaks_otherwise", "timer", "until"),
    Case("a status of yesterday", "said_what_it_waited_for", "activity", "'slow'", arrives=slow),
    Case("works", "works", "activity", "'slow'", arrives=slow),
    Case("its child works", "parent_of_works", "activity", "'slow'", arrives=slow),
    Case("works on the last of twenty", "fans_out", "activity", "'slow'", arrives=slow),
    Case("works with strict parity", "works", "activity", "'slow'", options=STRICT, arrives=slow),
    Case("an HTTP request is under way", "asks_http", "activity", "HTTP", arrives=slow),
    Case("an entity is at work", "asks_entity", "entity", "@busy@a", arrives=asks_a_busy_entity),
    Case("works, and another waits for it too", "beside_works", "event", "'approval'", arrives=slow),
    Case("its code has begun", "sleeps", "at-work", "runs", arrives=hangs),
    Case("the same code deployed again", "timer", "timer", "until", replaced("timer", by="timer")),
    Case("a release that adds steps at its end", "timer", "timer", "until",
         replaced("timer", by="timer_and_more")),
]  # fmt: skip

ENDED = [
    Case("completed", "counts", None),
    Case("completed after its event", "approval", None, act=raises("approval")),
    Case("completed after its child", "parent_of_approval", None, act=raises("approval", to=child)),
    Case("its child has completed", "parent_of_approval", None, act=raises("approval", to=child),
         asked=child),
    Case("completed after its timer", "timer", None, act=passes(hours=1)),
    Case("completed after its timer was left", "forgets_its_timer", None,
         act=then(raises("approval"), passes(hours=1))),
    Case("completed after slow work", "works", None, act=released, arrives=slow),
    Case("failed", "gives_up", None),
    Case("failed after its retries", "retries", None, act=passes(hours=1)),
    Case("failed after its child's retries", "retries_a_child", None, act=passes(hours=1)),
    Case("terminated", "timer", None, act=terminated),
    Case("an entity", "counts", None, asked=lambda _: "@counter@a"),
]  # fmt: skip

HEALTHY = [*EVENTS, *TASKS, *ENDED]
ALARMS = {
    "event-name", "event-elsewhere", "left-open", "no-slot", "no-turn", "retry", "service", "standstill",
    "suspended", "version", "code-hangs", "replay", "function-in-error", "child-gone", "unknown",
    "unknown-activity", "unknown-orchestrator", "unknown-entity",
}  # fmt: skip
"""Causes that send people looking for a fault."""
