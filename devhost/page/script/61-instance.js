// One instance: what it did over time, its values, its log, why it waits, and what can be done about it.

const QUIET_BEFORE_WHY = 1_500;
const WHY_AGAIN = 20_000;
// Events that are read once more, since a rewind changes one of the last two and leaves their number.
const OVERLAP = 2;

function instanceScreen({ path: [id], signal }) {
  const view = new InstanceView(id, signal);
  return { title: id, heading: view.heading, content: view.element };
}

/** Follows the history of one execution, part by part. */
class Source {
  constructor(id, signal) {
    Object.assign(this, { id, signal, recording: new Recording(), tag: "", instance: null });
  }

  /** Reads what is new; whether anything is. */
  async read() {
    let changed = false;
    for (;;) {
      const { status, body, headers } = await api(`${ADMIN}history`, {
        query: { instance: this.id, from: Math.max(0, this.recording.events.length - OVERLAP) },
        headers: this.tag ? { "If-None-Match": this.tag } : {},
        signal: this.signal,
      });
      if (status === NOTHING_NEW) return changed;
      this.tag = body.more ? "" : headers.get("ETag");
      if (this.isAnother(body)) this.recording = new Recording();
      else {
        changed = this.take(body) || changed;
        if (!body.more) return changed;
      }
    }
  }

  /** Whether what is known is not the beginning of this history: it has begun anew, or was rewound. */
  isAnother({ events }) {
    const known = this.recording.events.slice(-OVERLAP);
    if (JSON.stringify(known) === JSON.stringify(events.slice(0, known.length))) return false;
    this.tag = "";
    return true;
  }

  take({ instance, customStatus, events, started, running, from }) {
    const news = events.slice(this.recording.events.length - from);
    const print = JSON.stringify([instance, customStatus, running]);
    const changed = news.length > 0 || print !== this.print;
    Object.assign(this, { print, instance, customStatus });
    this.recording.add(news, started);
    this.recording.run(running);
    return changed;
  }
}

class InstanceView {
  constructor(id, signal) {
    Object.assign(this, {
      id,
      signal,
      source: new Source(id, signal),
      children: new Map(),
      changedAt: 0,
      askedWhy: 0,
    });
    this.heading = h("bdi", {}, id);
    this.parts = Object.fromEntries(
      ["head", "why", "actions", "values"].map((name) => [name, h("div", { class: `of-${name}` })]),
    );
    this.history = new HistoryView(this.source.recording, {
      unfold: (child) => this.child(child),
      askInput: async ({ task }) =>
        (await api(`${ADMIN}input`, { query: { instance: id, task }, signal })).body,
      more: [{ name: "Log", open: () => this.log() }],
    });
    this.element = [
      this.parts.head,
      this.parts.actions,
      this.parts.why,
      this.parts.values,
      this.history.element,
    ];
    follow(signal, () => this.load()).catch((error) => {
      this.parts.head.replaceChildren(problemNote(error));
      this.history.element.hidden = true;
    });
  }

  async load() {
    const changed = await this.source.read();
    const { instance, recording } = this.source;
    this.history.recording = recording;
    if (changed) {
      this.changedAt = Date.now();
      this.askedWhy = 0;
      await this.show(instance);
    }
    const children = this.liveChildren();
    await Promise.all(children.map((child) => this.history.refresh(child)));
    const isLive = !hasEnded(instance);
    if (changed || isLive || children.length)
      this.history.update(isLive ? Date.now() : Date.parse(instance.updatedAt), isLive);
    await this.explain(instance);
    return changed;
  }

  /** The children that are unfolded and may still go on. */
  liveChildren() {
    const steps = (this.history.all.Timeline ?? []).filter((step) => step.unfolded);
    return steps
      .map((step) => this.children.get(step.child))
      .filter(({ instance }) => instance && !hasEnded(instance))
      .map(({ id }) => id);
  }

  async show(instance) {
    this.heading.textContent = instance.isEntity ? this.id : instance.name;
    if (this.status && this.status !== instance.status) announce(`It is ${instance.status}.`);
    this.status = instance.status;
    this.showPart("head", [instance], () => instanceHead(instance));
    this.showPart("actions", [instance.status, this.source.recording.events.length > 0], () =>
      actionsOf(instance, this.source.recording),
    );
    await this.readValues(instance);
    const { input, output } = this.values;
    const customStatus = this.source.customStatus;
    this.showPart("values", [input, customStatus, output], () =>
      valuesOf(instance, { input, customStatus, output }),
    );
  }

  /** Input and output, which may be long and change with the execution and at its end alone. */
  async readValues({ executionId, status }) {
    const print = `${executionId} ${ENDED.has(status) ? status : ""}`;
    if (this.valuesPrint === print) return;
    const { body } = await api(instancePath(this.id), { signal: this.signal });
    this.values = body;
    this.valuesPrint = print;
  }

  showPart(name, data, make) {
    const print = JSON.stringify(data);
    if (this.parts[name].print === print) return;
    this.parts[name].print = print;
    this.parts[name].replaceChildren(...[make()].flat(Infinity).filter(isShown));
  }

  /** Says why it has not ended, once it has been quiet for a while: to find that out costs the host a replay. */
  async explain(instance) {
    const isQuiet = Date.now() - this.changedAt > QUIET_BEFORE_WHY && Date.now() - this.askedWhy > WHY_AGAIN;
    if (hasEnded(instance) || instance.isEntity) return this.showPart("why", null, () => null);
    if (!isQuiet) return;
    this.askedWhy = Date.now();
    const { body } = await api(instancePath(this.id, "why"), { signal: this.signal });
    this.showPart("why", body, () => body && whyNote(body));
  }

  async child(id) {
    if (!this.children.has(id)) this.children.set(id, new Source(id, this.signal));
    const source = this.children.get(id);
    await source.read();
    return source.recording;
  }

  log() {
    const rows = new Rows({
      label: "Log",
      make: logRow,
      select: (record) => this.history.showDetail(logDetail(record)),
    });
    const none = emptyNote("The host has logged nothing for it since it started.");
    const place = h("div", {}, rows.element, none);
    const tab = new AbortController();
    this.signal.addEventListener("abort", () => tab.abort(), { once: true });
    let count = -1;
    const read = async () => {
      if (!place.isConnected) return tab.abort();
      const { body } = await api(`${ADMIN}logs`, { query: { instance: this.id }, signal: tab.signal });
      none.hidden = body.length > 0;
      const changed = body.length !== count;
      if (changed) rows.show(body);
      count = body.length;
      return changed;
    };
    setTimeout(() => follow(tab.signal, read).catch((error) => place.replaceChildren(problemNote(error))));
    return [place];
  }
}

function instanceHead(instance) {
  const { instanceId, status, parentId, version } = instance;
  return [
    h(
      "p",
      { class: "lead" },
      !instance.isEntity && badge(status),
      h("code", { class: "id" }, instanceId),
      copyButton(instanceId, "the id"),
    ),
    facts(
      ["Created", time(instance.createdAt)],
      ["Last change", time(instance.updatedAt)],
      hasEnded(instance) ? ["Took", span(tookOf(instance))] : [],
      ["Version", version],
      ["Started by", parentId && h("a", { href: `#/instances/${part(parentId)}` }, parentId)],
    ),
  ];
}

const whyNote = (why) =>
  h(
    "section",
    { class: "wait", "aria-label": "Why it has not ended" },
    h("strong", {}, why.sentence),
    h(
      "p",
      {},
      why.remedy,
      why.child && [" ", h("a", { href: `#/instances/${part(why.child)}` }, "Look at it")],
    ),
  );

function valuesOf({ status }, { input, customStatus, output }) {
  const failed = status === "Failed";
  return [
    valueView(failed ? "Error" : "Output", output),
    valueView("Custom status", customStatus),
    valueView("Input", input, { open: written(opened(input ?? "")).length < 600 }),
  ];
}

const logRow = (record) =>
  h(
    "div",
    { class: `event log ${record.level.toLowerCase()}` },
    h("span", { class: "after" }, clock(record.time)),
    h("span", { class: "type" }, record.level.toLowerCase()),
    h("span", { class: "came" }, record.message.slice(0, 300)),
  );

const logDetail = (record) => [
  h("h3", {}, record.level.toLowerCase(), " ", record.function ?? record.logger),
  facts(["Time", time(record.time)], ["Call", record.invocation]),
  valueView("Message", record.message),
  valueView("Traceback", record.error?.traceback),
];
