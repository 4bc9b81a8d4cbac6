// What an execution did, over time, and its events; both can be searched.

const MARKS = 5;
const SKIPPED = new Set(["OrchestratorStarted", "OrchestratorCompleted"]);

/** When the axis of these steps begins and ends. */
function axisOf(steps, now) {
  const begin = Math.min(...steps.slice(0, 1).map((step) => step.begin), now);
  let end = begin + 1;
  for (const step of steps) end = Math.max(end, step.end ?? now);
  return { begin, end, place: (at) => (100 * (at - begin)) / (end - begin) };
}

/** The axis above the steps: what time it is where. */
function scale({ begin, end }) {
  const at = Array.from({ length: MARKS }, (_, index) => ((end - begin) * index) / (MARKS - 1));
  return h(
    "div",
    { class: "scale", "aria-hidden": "true" },
    h("span"),
    h(
      "div",
      {},
      at.map((each) => h("span", {}, `+${span(each)}`)),
    ),
  );
}

/** A step as a row: light while it waited for its turn, full while it ran. */
function stepRow(step, axis, now, foldable) {
  const waited = waitedOf(step, now);
  const ran = ranOf(step, now);
  const twist =
    foldable && step.child
      ? h("span", { class: "twist" }, step.unfolded ? "▾" : "▸")
      : h("span", { class: "twist" });
  const row = h(
    "div",
    { class: `step ${step.kind} ${step.outcome}`, "aria-level": step.level + 1 },
    h(
      "span",
      { class: "what", style: { paddingInlineStart: `${step.level * 18}px` } },
      twist,
      h("span", { class: "kind" }, step.kind),
      " ",
      h("bdi", {}, step.name),
    ),
    h("span", { class: "axis" }, bars(step, axis, now)),
    h("span", { class: "spans" }, ran === null ? (waited === null ? "" : span(waited)) : span(ran)),
    h("span", { class: "came" }, step.outcome, step.detail ? ` ${line(opened(step.detail), 120)}` : ""),
  );
  if (foldable && step.child) row.setAttribute("aria-expanded", String(Boolean(step.unfolded)));
  return row;
}

/** Where it waited and where it ran; what took less than a millisecond is still drawn. */
function bars(step, { place }, now) {
  const end = step.end ?? now;
  const queued = step.outcome === "queued";
  if (step.begin === end && !queued && !step.started)
    return h("i", { class: "moment", style: { insetInlineStart: startAt(place(end)) } });
  const bar = (kind, from, to) =>
    h("i", {
      class: kind,
      style: { insetInlineStart: startAt(place(from)), inlineSize: `max(2px, ${place(to) - place(from)}%)` },
    });
  const started = queued ? end : (step.started ?? step.begin);
  const waited = waitedOf(step, now) !== null;
  return [waited && bar("waited", step.begin, started), !queued && bar("ran", started, end)];
}

/** What is at the very end is still to be seen. */
const startAt = (percent) => `min(${percent}%, 100% - 2px)`;

function eventRow(event, begin) {
  return h(
    "div",
    { class: "event" },
    h("span", { class: "after" }, `+${span(Date.parse(event.Timestamp) - begin)}`),
    h("span", { class: "type" }, nameOf(event)),
    h(
      "span",
      { class: "came" },
      h("bdi", {}, event.Name ?? event.InstanceId ?? ""),
      " ",
      line(opened(eventDetail(event)) ?? "", 160),
    ),
  );
}

const eventDetail = (event) => event.Result ?? event.Input ?? event.Reason ?? event.Data ?? event.FireAt;

/** What an item holds, in a form that is searched; written once for each that does not change any more. */
const texts = new WeakMap();
function textOf(item) {
  let text = texts.get(item);
  if (text === undefined) {
    text = searched(
      item.EventType === undefined ? textOfStep(item) : `${nameOf(item)} ${JSON.stringify(item)}`,
    );
    if (item.end !== null) texts.set(item, text);
  }
  return text;
}

const textOfStep = ({ kind, name, outcome, child, detail }) =>
  [kind, name, outcome, child, typeof detail === "string" ? detail : JSON.stringify(detail)].join(" ");

/** Neither case nor the backslashes of JSON within JSON count. */
const searched = (text) => text.replaceAll("\\", "").toLowerCase();

const found = (items, word) => (word ? items.filter((item) => textOf(item).includes(word)) : items);

/** What was chosen: when it happened, what came of it, and what it holds. */
function stepDetail(step, now, linked, askInput) {
  const waited = waitedOf(step, now);
  return [
    h("h3", {}, step.kind, " ", h("bdi", {}, step.name)),
    facts(
      ["Outcome", step.outcome],
      ["Asked for", time(new Date(step.begin).toISOString())],
      ["Began", step.started && time(new Date(step.started).toISOString())],
      ["Ended", step.end && step.end !== step.begin && time(new Date(step.end).toISOString())],
      ["Waited", waited === null ? null : span(waited)],
      ["Ran", ranOf(step, now) === null ? null : span(ranOf(step, now))],
      [
        "Instance",
        step.child && (linked ? h("a", { href: `#/instances/${part(step.child)}` }, step.child) : step.child),
      ],
      ["Task", step.task >= 0 && step.task],
    ),
    valueView(step.outcome === "failed" ? "Error" : "Value", step.detail),
    askInput && step.level === 0 && WORK.has(step.kind) && inputButton(() => askInput(step)),
  ];
}

/** Histories do not hold what a task was given: the host asks the code for it, if somebody wants to know. */
function inputButton(askInput) {
  const place = h("div");
  const show = async () => {
    try {
      const { input, problem } = await askInput();
      place.replaceChildren(
        problem
          ? alertNote("Not known", problem)
          : (valueView("Input", input) ?? h("p", {}, "It has no input.")),
      );
    } catch (error) {
      place.replaceChildren(problemNote(error));
    }
  };
  place.append(button("Show its input", show));
  return place;
}

function eventDetailView(event) {
  return [
    h("h3", {}, nameOf(event)),
    facts(["Time", time(event.Timestamp)], ["Event", event.EventId >= 0 ? event.EventId : null]),
    ["Input", "Result", "Reason", "Details", "Data"].map((name) => valueView(name, event[name])),
    valueView("Whole event", event, { open: false }),
  ];
}

/**
 * Timeline and events of a recording, with tabs, a search and what was chosen. `unfold` gives the recording of a child;
 * `askInput` what a task was given; `more` are further tabs, each { name, open } with a function that gives an element.
 */
class HistoryView {
  constructor(recording, { unfold, askInput, more = [] } = {}) {
    Object.assign(this, {
      recording,
      unfold,
      askInput,
      word: "",
      tab: "Timeline",
      children: new Map(),
      at: Date.now(),
      all: {},
    });
    this.axis = axisOf([], this.at);
    this.detail = h("div", { class: "detail", "aria-live": "polite" });
    this.steps = new Rows({
      label: "Steps",
      role: "tree",
      make: (step) => stepRow(step, this.axis, this.at, this.unfold),
      select: (step) => this.showDetail(stepDetail(step, this.at, this.unfold, this.askInput)),
      fold: (step, open) => this.fold(step, open),
    });
    this.events = new Rows({
      label: "Events",
      make: (event) => eventRow(event, this.axis.begin),
      select: (event) => this.showDetail(eventDetailView(event)),
    });
    this.search = h("input", {
      type: "search",
      "data-search": true,
      placeholder: "Search",
      "aria-label": "Search the history",
      spellcheck: "false",
      oninput: () => this.find(this.search.value),
    });
    this.count = h("small", { role: "status" });
    this.summary = h("p", { class: "dim" });
    this.scale = h("div");
    this.place = h("div");
    this.more = new Map(more.map(({ name, open }) => [name, open]));
    this.tabs = h(
      "div",
      { class: "tabs", role: "group", "aria-label": "Views" },
      ["Timeline", "Events", ...this.more.keys()].map((name) => button(name, () => this.open(name))),
    );
    this.element = h(
      "section",
      { class: "history" },
      this.summary,
      h("div", { class: "bar" }, this.tabs, this.search, this.count),
      this.place,
      this.detail,
    );
    this.open("Timeline");
  }

  /** Shows what the recording holds by now. */
  update(now, isLive = this.isLive) {
    Object.assign(this, { at: now, isLive });
    const steps = this.rowsOf(this.recording.steps, 0);
    this.axis = axisOf(steps, now);
    const took = this.axis.end - this.axis.begin;
    const work = Math.min(took, workOf(this.recording.steps, now));
    const quiet =
      isLive && now - this.axis.end > 1_000 ? `; nothing has happened for ${span(now - this.axis.end)}` : "";
    this.summary.textContent = this.recording.steps.length
      ? `${span(took)}: ${span(work)} working, ${span(took - work)} waiting${quiet}`
      : "It has no history yet.";
    this.scale.replaceChildren(scale(this.axis));
    this.all = {
      Timeline: steps,
      Events: this.recording.events.filter((event) => !SKIPPED.has(nameOf(event))),
    };
    this.draw();
  }

  /** Shows what of the open tab fits the search. */
  draw() {
    const all = this.all[this.tab];
    this.count.textContent = "";
    if (!all) return;
    const shown = found(all, this.word);
    (this.tab === "Timeline" ? this.steps : this.events).show(shown);
    this.count.textContent = this.word
      ? `${number(shown.length)} of ${number(all.length)}`
      : number(all.length);
  }

  /** Steps with those of the children that are unfolded below their own. */
  rowsOf(steps, level) {
    return steps.flatMap((step) => {
      step.level = level;
      const child = step.unfolded && this.children.get(step.child);
      return child ? [step, ...this.rowsOf(child.steps, level + 1)] : [step];
    });
  }

  async fold(step, open = !step.unfolded) {
    if (!this.unfold || !step.child) return;
    step.unfolded = open;
    if (open) await this.refresh(step.child);
    this.update(this.at);
  }

  /** Reads a child that is unfolded. */
  async refresh(child) {
    try {
      this.children.set(child, await this.unfold(child));
    } catch (error) {
      this.showDetail([problemNote(error)]);
    }
  }

  find(word) {
    this.word = searched(word.trim());
    this.draw();
  }

  open(name) {
    this.tab = name;
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.textContent === name));
    this.search.hidden = this.more.has(name);
    this.detail.replaceChildren();
    const views = { Timeline: [this.scale, this.steps.element], Events: [this.events.element] };
    this.place.replaceChildren(...(views[name] ?? this.more.get(name)()));
    this.draw();
  }

  showDetail(content) {
    this.detail.replaceChildren(...content.flat(Infinity).filter(isShown));
  }
}
