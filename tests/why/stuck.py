"""Ways to be stuck, each with the cause that is to be told: most are what people ask in public threads."""

from tests.why.cases import (
    ONE_SLOT,
    ONE_TURN,
    STRICT,
    Case,
    asks_a_busy_entity,
    at_once,
    broken,
    child,
    clock_moves,
    hangs,
    has_gone_on,
    has_scheduled,
    of_version,
    passes,
    raises,
    replaced,
    slow,
    starts,
    suspended,
    then,
)

EVENTS = [
    Case("nobody raised the event", "approval", "event", "'approval'"),
    Case("another case", "approval", "event-name", "'Approval' was raised", raises("Approval")),
    Case("a dash", "approval_given", "event-name", "'approval-given'", raises("approval-given")),
    Case("camel case", "approval_given", "event-name", "'ApprovalGiven'", raises("ApprovalGiven")),
    Case("a blank", "approval", "event-name", "'approval ' was raised", raises("approval ")),
    Case("one of two is missing", "two_approvals", "event", "'second'", raises("first")),
    Case("both, one in another case", "two_approvals", "event-name", "'Second'", raises("first", "Second")),
    Case("either, in another case", "one_of_two", "event-name", "'First'", raises("First")),
    Case("another event", "approval", "event", "has not read 'decision'", raises("decision")),
    Case("in another case beside a timer", "limited", "event-name", "'Approval'", raises("Approval")),
    Case("one event for two waits", "twice", "event", "'go'", raises("go")),
    Case("a child's event raised to its parent", "parent_of_approval", "event-elsewhere", "instead",
         raises("approval")),
    Case("the same, asked of the child", "parent_of_approval", "event-elsewhere", "instead",
         raises("approval"), asked=child),
    Case("a parent's event raised to its child", "beside_timer", "event-elsewhere", "-child instead",
         raises("approval", to=child)),
    Case("an event before the next generation", "next_generation", "event", "'approval'"),
    Case("a child waits", "parent_of_approval", "event", "sub-orchestration 'approval'"),
    Case("a grandchild waits", "parent_of_parent_of_approval", "event", "'approval'"),
    Case("a child's event in another case", "parent_of_approval", "event-name", "'Approval'",
         raises("Approval", to=child)),
]  # fmt: skip

LEFT_OPEN = [
    Case("a timer not cancelled", "forgets_its_timer", "left-open", "was not cancelled", raises("approval")),
    Case("an activity still runs", "forgets_its_activity", "left-open", "'slow'", arrives=has_gone_on),
    Case("a child still waits", "forgets_its_child", "left-open", "'timer'"),
    Case("a child left its timer", "parent_of_forgets_its_timer", "left-open", "was not cancelled",
         raises("approval", to=child)),
]  # fmt: skip

TASKS = [
    Case("an activity hangs", "works", "activity", "has been running since", arrives=slow),
    Case("one of twenty hangs", "fans_out", "activity", "'slow'", arrives=slow),
    Case("a child's activity hangs", "parent_of_works", "activity", "sub-orchestration 'works'",
         arrives=slow),
    Case("an HTTP request hangs", "asks_http", "activity", "HTTP request", arrives=slow),
    Case("no slot is free", "works", "no-slot", "1 run (slow)", options=ONE_SLOT, arrives=has_scheduled,
         before=starts("works", slow)),
    Case("no slot is free for a child", "parent_of_works", "no-slot", "'works'", options=ONE_SLOT,
         arrives=has_scheduled, before=starts("works", slow)),
    Case("an activity fails", "retries", "retry", "1 of 3 attempts"),
    Case("it fails again", "retries", "retry", "2 of 3 attempts", passes(minutes=1)),
    Case("one of several fails", "retries_among_others", "retry", "'fails'"),
    Case("a child fails", "retries_a_child", "retry", "'gives_up'"),
    Case("a child's activity fails", "parent_of_retries", "retry", "1 of 3 attempts"),
    Case("a timer of ten years", "ten_years", "timer", "three days at a time"),
    Case("a poll that never ends", "polls", "timer", "until 2026-01-01T02", passes(hours=1)),
    Case("a service is away", "says_what_it_waits_for", "service", "tables (Busy)"),
    Case("a budget is spent", "held_at_its_budget", "held", "demo has spent its budget"),
    Case("a service is away from a child", "parent_of_says_what_it_waits_for", "service", "tables"),
]  # fmt: skip

UNKNOWN = [
    Case("an activity that is not there", "calls_a_stranger", "unknown-activity", "'charge_card'",
         options=STRICT),
    Case("a child that is not there", "starts_a_stranger", "unknown-orchestrator", "'settlement'",
         options=STRICT),
    Case("an entity that is not there", "asks_a_stranger", "unknown-entity", "'account'", options=STRICT),
    Case("the same in a child", "parent_of_calls_a_stranger", "unknown-activity", "'charge_card'",
         options=STRICT),
    Case("None is yielded", "yields_nothing", "standstill", "never completes", options=STRICT),
    Case("a cancelled timer", "awaits_a_cancelled_timer", "standstill", "cancelled", options=STRICT),
    Case("a child yields None", "parent_of_yields_nothing", "standstill", "never", options=STRICT),
]  # fmt: skip

HOSTS = [
    Case("suspended with a reason", "approval", "suspended", "lunch", suspended("lunch")),
    Case("suspended without one", "timer", "suspended", "has suspended it", suspended()),
    Case("a child is suspended", "parent_of_timer", "suspended", "sub-orchestration",
         suspended(on_child=True)),
    Case("suspended, and then raised", "approval", "suspended", "lunch",
         then(suspended("lunch"), raises("approval"))),
    Case("suspended over its time", "timer", "suspended", "has suspended it",
         then(suspended(), passes(hours=2))),
    Case("its version is newer", "timer", "version", "2.0", options=of_version("1.0"), version="2.0"),
    Case("its code hangs", "sleeps", "code-hangs", "without a yield", clock_moves(60), arrives=hangs),
    Case("another's code hangs", "timer", "no-turn", "waits for its turn", clock_moves(60), options=ONE_TURN,
         before=starts("sleeps", hangs), arrives=at_once),
    Case("an entity hangs", "asks_entity", "code-hangs", "@busy@a", clock_moves(60),
         arrives=asks_a_busy_entity),
    Case("a child's entity hangs", "parent_of_asks_entity", "code-hangs", "@busy@a", clock_moves(60),
         arrives=asks_a_busy_entity),
]  # fmt: skip

RELEASES = [
    Case("another step", "timer", "replay", "a timer", replaced("timer", by="works")),
    Case("a step before it", "timer", "replay", "a timer", replaced("timer", by="polls")),
    Case("a step less", "polls", "replay", "activity", replaced("polls", by="timer")),
    Case("another step of a child", "parent_of_timer", "replay", "a timer", replaced("timer", by="works")),
    Case("code that cannot be run", "timer", "function-in-error", "no module",
         broken("timer", "no module named x")),
]  # fmt: skip

STUCK = [*EVENTS, *LEFT_OPEN, *TASKS, *UNKNOWN, *HOSTS, *RELEASES]
