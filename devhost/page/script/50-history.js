// A recorded history, as the host stores it and `python -m devhost export` writes it, and the steps that it tells of.

const EVENTS = {
  __proto__: null,
  0: "ExecutionStarted",
  1: "ExecutionCompleted",
  2: "ExecutionFailed",
  3: "ExecutionTerminated",
  4: "TaskScheduled",
  5: "TaskCompleted",
  6: "TaskFailed",
  7: "SubOrchestrationCreated",
  8: "SubOrchestrationCompleted",
  9: "SubOrchestrationFailed",
  10: "TimerCreated",
  11: "TimerFired",
  12: "OrchestratorStarted",
  13: "OrchestratorCompleted",
  14: "EventSent",
  15: "EventRaised",
  16: "ContinueAsNew",
  17: "GenericEvent",
  18: "HistoryState",
  19: "ExecutionSuspended",
  20: "ExecutionResumed",
};
const nameOf = (event) => EVENTS[event.EventType] ?? `Event ${event.EventType}`;
const WORK = new Set(["activity", "orchestration"]);

/**
 * The events of one execution, in order, and what they tell: steps that begin and may end. It grows by parts.
 *
 * A step has a kind, a name, an outcome and `begin`, `started` and `end` in milliseconds; `started` is when an activity
 * got its turn, and `end` of a moment is its beginning.
 */
class Recording {
  constructor() {
    this.events = [];
    this.steps = [];
    this.open = new Map();
  }

  /** Takes the events that follow; `started` has the times at which activities began, by the positions of their ends. */
  add(events, started = {}) {
    for (const event of events) {
      const at = this.events.push(event) - 1;
      this.take(event, started[at] ? Date.parse(started[at]) : undefined);
    }
  }

  /** Takes which activities run now, and since when, by the ids of their tasks. */
  run(running) {
    for (const step of this.open.values()) {
      if (step.kind !== "activity") continue;
      const since = running[step.task];
      step.started = since && Date.parse(since);
      step.outcome = since ? "running" : "queued";
    }
  }

  get start() {
    return this.events.find((event) => event.EventType === 0);
  }

  /** The event with which the execution has ended, if it has. */
  get ending() {
    return this.events.findLast((event) => event.EventType === 1 || event.EventType === 3);
  }

  take(event, started) {
    const at = Date.parse(event.Timestamp);
    const ends = (id, outcome, detail) => this.end(id, at, outcome, detail, started);
    const begins = (kind, name, more) => this.begin(event, { kind, name, begin: at, end: null, ...more });
    const moment = (kind, name, detail) =>
      this.begin(event, { kind, name, detail, begin: at, end: at, outcome: "" });
    switch (nameOf(event)) {
      case "ExecutionStarted":
        return moment("started", event.Name, event.Input);
      case "ExecutionCompleted":
        this.endAll(at);
        return moment("ended", event.OrchestrationStatus, event.Result);
      case "ExecutionTerminated":
        this.endAll(at);
        return moment("terminated", "", event.Input);
      case "TaskScheduled":
        return begins("activity", event.Name, { outcome: "queued" });
      case "SubOrchestrationCreated":
        return begins("orchestration", event.Name, { outcome: "running", child: event.InstanceId });
      case "TaskCompleted":
      case "SubOrchestrationCompleted":
        return ends(event.TaskScheduledId, "completed", event.Result);
      case "TaskFailed":
      case "SubOrchestrationFailed":
        return ends(
          event.TaskScheduledId,
          "failed",
          [event.Reason, event.Details].filter(Boolean).join("\n"),
        );
      case "TimerCreated":
        return begins("timer", `until ${clock(event.FireAt)}`, {
          outcome: "waits",
          until: Date.parse(event.FireAt),
        });
      case "TimerFired":
        return this.fire(event);
      case "EventSent":
        return this.sent(event, begins, moment);
      case "EventRaised":
        if (this.open.has(event.Name)) return ends(event.Name, ...answerOf(event.Input));
        return moment("event", event.Name, event.Input);
      case "ExecutionSuspended":
        return moment("suspended", "", event.Reason);
      case "ExecutionResumed":
        return moment("resumed", "", event.Reason);
      case "GenericEvent":
        return moment("note", "", event.Data);
    }
  }

  begin(event, step) {
    const id = step.key ?? event.EventId;
    Object.assign(step, { task: event.EventId, events: [event], level: 0 });
    if (step.end === null) this.open.set(id, step);
    this.steps.push(step);
  }

  end(id, at, outcome, detail, started) {
    const step = this.open.get(id);
    if (!step) return;
    this.open.delete(id);
    Object.assign(step, { end: Math.max(at, step.begin), outcome, detail, started: started ?? step.started });
  }

  /** The event of a timer bears the time at which it was put in store, when the timer was set. */
  fire(event) {
    this.end(event.TimerId, Date.parse(event.FireAt), "fired");
  }

  /** A call of an entity ends with an event that has the name of its id; a signal is not answered. */
  sent(event, begins, moment) {
    const request = parsed(event.Input);
    const name = `${event.InstanceId} ${request?.op ?? ""}`.trim();
    if (!request?.id || request.signal) return moment("signal", name, request?.input);
    return begins("entity", name, { outcome: "asked", key: request.id, entity: event.InstanceId });
  }

  endAll(at) {
    for (const id of [...this.open.keys()])
      this.end(id, at, this.open.get(id).kind === "timer" ? "cancelled" : "left");
  }
}

/** How an entity has answered a call. */
function answerOf(text) {
  const answer = parsed(text);
  return answer?.exceptionType ? ["failed", answer.result] : ["completed", answer?.result ?? text];
}

const waitedOf = (step, now) =>
  step.started ? step.started - step.begin : step.outcome === "queued" ? now - step.begin : null;

const ranOf = (step, now) =>
  step.outcome === "queued" || (step.begin === step.end && !step.started)
    ? null
    : (step.end ?? now) - (step.started ?? step.begin);

/** How long at least one activity or sub-orchestration of these steps was under way. */
function workOf(steps, now) {
  const spans = steps
    .filter((step) => WORK.has(step.kind) && step.outcome !== "queued")
    .map((step) => [step.started ?? step.begin, step.end ?? now])
    .sort((a, b) => a[0] - b[0]);
  let total = 0;
  let covered = -Infinity;
  for (const [begin, end] of spans) {
    total += Math.max(0, end - Math.max(begin, covered));
    covered = Math.max(covered, end);
  }
  return total;
}

/** The events of a file that was exported. */
function historyOf(text) {
  const value = parsed(text);
  const isHistory =
    Array.isArray(value) && value.length > 0 && value.every((event) => event && "EventType" in event);
  if (!isHistory || !value.every((event) => Number.isInteger(event.EventType) && event.Timestamp))
    throw new Problem(400, "The file holds no recorded history: write one with python -m devhost export ID.");
  return value;
}
