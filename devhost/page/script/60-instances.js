// The list of instances: those that clients have started, the newest first, with the others folded under them.

const OF_A_PAGE = 50;
const LIST_PAUSE = 2_000;
const LIST_COLUMNS = ["Instance", "Status", "Created", "Took"];

function instancesScreen({ query, signal }) {
  const list = new InstanceList(query, signal);
  const filters = instanceFilters(query);
  orchestrators()
    .then((names) => filters.offer(names))
    .catch((error) => list.note.replaceChildren(problemNote(error)));
  return { title: "Instances", content: [filters.form, list.element] };
}

class InstanceList {
  constructor(query, signal) {
    Object.assign(this, { query, signal, tag: "", roots: [], unfolded: new Map() });
    this.isFiltered = Boolean(query.name || query.status || query.prefix);
    this.rows = h("tbody");
    this.note = h("div");
    this.pager = h("nav", { class: "pager", "aria-label": "Pages" });
    const heads = LIST_COLUMNS.map((name) => h("th", { scope: "col" }, name));
    this.table = h(
      "table",
      { class: "list", "aria-label": "Instances" },
      h("thead", {}, h("tr", {}, heads)),
      this.rows,
    );
    this.element = h("div", { "aria-busy": "true" }, this.table, this.note, this.pager);
    follow(signal, () => this.load(), { first: LIST_PAUSE }).catch((error) =>
      this.element.replaceChildren(problemNote(error)),
    );
  }

  /** Asks for the list, and for what is unfolded in it; whether that has changed. */
  async load() {
    const { name, status, prefix, after } = this.query;
    const {
      status: code,
      body,
      headers,
    } = await api(`${ADMIN}instances`, {
      query: { name, status, prefix, after, top: OF_A_PAGE },
      headers: this.tag ? { "If-None-Match": this.tag } : {},
      signal: this.signal,
    });
    if (code === NOTHING_NEW) {
      this.tick();
      return false;
    }
    this.tag = headers.get("ETag");
    this.roots = body.instances;
    await Promise.all([...this.unfolded.keys()].map((id) => this.read(id)));
    this.element.removeAttribute("aria-busy");
    this.show();
    this.showPager(body.next);
    return true;
  }

  async read(parent) {
    const { body } = await api(`${ADMIN}instances`, { query: { parent, top: 500 }, signal: this.signal });
    this.unfolded.set(parent, body);
  }

  async fold(instance) {
    const id = instance.instanceId;
    try {
      if (!this.unfolded.delete(id)) await this.read(id);
    } catch (error) {
      this.note.replaceChildren(problemNote(error));
    }
    this.show();
  }

  show() {
    const lines = this.linesOf(this.roots, 0);
    keep(
      this.rows,
      lines.map(({ instance, level, unfolded, more }) => this.row(instance, level, unfolded, more)),
    );
    this.table.hidden = lines.length === 0;
    this.note.replaceChildren(...(lines.length ? [] : [this.empty()]));
  }

  empty() {
    if (this.isFiltered || this.query.after) return emptyNote("No instance is like that.");
    return emptyNote(
      "No orchestration has been started yet: ",
      h("a", { href: "#/start" }, "start one"),
      ".",
    );
  }

  linesOf(instances, level) {
    return instances.flatMap((instance) => {
      const below = this.unfolded.get(instance.instanceId);
      const lines = [
        { instance, level, unfolded: Boolean(below) },
        ...(below ? this.linesOf(below.instances, level + 1) : []),
      ];
      return below?.next ? [...lines, { instance, level: level + 1, more: true }] : lines;
    });
  }

  row(instance, level, unfolded, more) {
    const id = instance.instanceId;
    if (more)
      return {
        key: `${id} more`,
        data: level,
        make: () =>
          h(
            "tr",
            {},
            h(
              "td",
              { colspan: LIST_COLUMNS.length, class: "dim" },
              "There are more: look for them by id or name.",
            ),
          ),
      };
    return {
      key: id,
      data: [instance, level, unfolded],
      make: () => this.makeRow(instance, level, unfolded),
    };
  }

  makeRow(instance, level, unfolded) {
    const id = instance.instanceId;
    const count = instance.children >= 100 ? "100+" : instance.children;
    const twist =
      instance.children > 0 && button(`${unfolded ? "▾" : "▸"} ${count}`, () => this.fold(instance), "twist");
    if (twist) {
      twist.setAttribute("aria-expanded", String(unfolded));
      twist.setAttribute("aria-label", `${count} sub-orchestrations of ${id}`);
    }
    return h(
      "tr",
      {},
      h(
        "th",
        { scope: "row", style: level ? { paddingInlineStart: `${12 + level * 22}px` } : null },
        h("a", { href: `#/instances/${part(id)}` }, h("bdi", {}, instance.name)),
        " ",
        h("code", { class: "id" }, id),
        twist,
        this.isFiltered &&
          instance.parentId &&
          h(
            "small",
            {},
            " of ",
            h("a", { href: `#/instances/${part(instance.parentId)}` }, instance.parentId),
          ),
      ),
      h("td", {}, badge(instance.status)),
      h("td", { class: "dim" }, time(instance.createdAt)),
      h(
        "td",
        { class: "dim took", "data-since": hasEnded(instance) ? null : instance.createdAt },
        span(tookOf(instance)),
      ),
    );
  }

  /** What has not ended takes longer and longer. */
  tick() {
    for (const cell of this.rows.querySelectorAll("[data-since]"))
      cell.textContent = span(Date.now() - Date.parse(cell.dataset.since));
  }

  showPager(next) {
    const { after, ...filters } = this.query;
    this.pager.replaceChildren(
      ...[
        after && h("a", { class: "button", href: address("instances", filters) }, "Newest"),
        next && h("a", { class: "button", href: address("instances", { ...filters, after: next }) }, "Older"),
      ].filter(Boolean),
    );
  }
}

function instanceFilters(query) {
  const any = ["", "Any orchestrator"];
  const names = choice("name", query.name ? [any, query.name] : [any], query.name);
  const form = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Filter instances" },
    field("Orchestrator", names),
    field("Status", choice("status", [["", "Any status"], ...STATUSES], query.status)),
    field(
      "Id begins with",
      h("input", {
        type: "search",
        name: "prefix",
        value: query.prefix ?? "",
        "data-search": true,
        spellcheck: "false",
        autocapitalize: "none",
      }),
    ),
    h("button", { type: "submit" }, "Show"),
  );
  const show = () => go(address("instances", Object.fromEntries(new FormData(form))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  for (const select of form.querySelectorAll("select")) select.addEventListener("change", show);
  const offer = (all) => {
    const others = all.filter((name) => name !== query.name);
    names.append(...others.map((name) => h("option", { value: name }, name)));
  };
  return { form, offer };
}
