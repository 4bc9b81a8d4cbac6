// The functions of the app: what starts them, what keeps them from being called, and a form to call each.

const TRIGGERS = {
  __proto__: null,
  httpTrigger: "HTTP",
  orchestrationTrigger: "Orchestrators",
  activityTrigger: "Activities",
  entityTrigger: "Entities",
  queueTrigger: "Queues",
  blobTrigger: "Blobs",
  timerTrigger: "Timers",
};
const ANY_METHOD = ["get", "post", "put", "patch", "delete"];
const triggerOf = (each) => each.config.bindings.find((binding) => /trigger$/i.test(binding.type)) ?? {};

function functionsScreen({ path: [chosen], query, signal }) {
  const errors = h("div");
  const place = h("div", { class: "functions", "aria-busy": "true" });
  const show = async () => {
    const [{ body: all }, { body: status }] = await Promise.all([
      api(`${ADMIN}functions`, { signal }),
      api(`${ADMIN}host/status`, { signal }),
    ]);
    place.removeAttribute("aria-busy");
    errors.replaceChildren(...status.errors.map((sentence) => alertNote("Cannot be called", sentence)));
    place.replaceChildren(...functionGroups(all, chosen, query));
    if (!all.length) place.replaceChildren(emptyNote("The app has no function that can be called."));
  };
  show().catch((error) => signal.aborted || place.replaceChildren(problemNote(error)));
  return { title: "Functions", content: [errors, place] };
}

function functionGroups(all, chosen, query) {
  const types = [...new Set([...Object.keys(TRIGGERS), ...all.map((each) => triggerOf(each).type)])];
  return types
    .map((type) => [type, all.filter((each) => triggerOf(each).type === type)])
    .filter(([, functions]) => functions.length)
    .map(([type, functions]) =>
      panel(
        TRIGGERS[type] ?? type,
        functions.map((each) => functionEntry(each, each.name === chosen, query)),
      ),
    );
}

/** A function on one line; its form is made when it is opened. */
function functionEntry(each, open, query) {
  const place = h("div");
  const entry = h(
    "details",
    { class: "function" },
    h("summary", {}, h("bdi", { class: "name" }, each.name), " ", h("small", {}, sourceOf(each))),
    place,
  );
  entry.addEventListener("toggle", () => {
    if (entry.open && !place.firstChild) place.append(callForm(each, query));
  });
  entry.open = open;
  return entry;
}

function sourceOf(each) {
  const trigger = triggerOf(each);
  if (trigger.type === "httpTrigger")
    return `${(trigger.methods ?? ["any method"]).join(", ").toUpperCase()} /${each.invoke_url_template}`;
  return (
    trigger.queueName ??
    trigger.path ??
    trigger.schedule ??
    trigger.orchestration ??
    trigger.activity ??
    trigger.entityName ??
    ""
  );
}

function callForm(each, query) {
  const { type, orchestration } = triggerOf(each);
  if (type === "httpTrigger") return requestForm(each);
  if (type === "orchestrationTrigger")
    return h("p", {}, h("a", { href: `#/start/${part(orchestration || each.name)}` }, "Start it"));
  if (type === "entityTrigger")
    return h("p", {}, h("a", { href: "#/entities" }, "Look at its entities, or ask one"));
  return runForm(each, type, query);
}

const INPUTS = {
  __proto__: null,
  activityTrigger: ["Input", "JSON, as the orchestrator gives it"],
  queueTrigger: ["Message", "The text of a message; no queue is needed"],
  blobTrigger: ["Path", "Container and name of the blob"],
};

function runForm(each, type, query) {
  const [label, hint] = INPUTS[type] ?? [];
  const result = h("div", { "aria-live": "polite" });
  const form = h(
    "form",
    {},
    label && field(label, textArea("input", query.input ?? "", 4), hint),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Run now")),
    result,
  );
  return sending(form, async (data) => {
    result.replaceChildren();
    const began = performance.now();
    const body = JSON.stringify({ input: data.get("input") ?? "" });
    const answer = await api(`${ADMIN}functions/${part(each.name)}`, {
      method: "POST",
      query: { wait: "true" },
      body,
    });
    const note = h("p", {}, `It succeeded after ${span(performance.now() - began)}.`);
    result.replaceChildren(...[note, valueView("Result", answer.body.result)].filter(Boolean));
  });
}

function requestForm(each) {
  const methods = (triggerOf(each).methods ?? ANY_METHOD).map((method) => method.toUpperCase());
  const result = h("div", { "aria-live": "polite" });
  const form = h(
    "form",
    {},
    h(
      "div",
      { class: "fields" },
      field("Method", choice("method", methods)),
      h(
        "div",
        { class: "wide" },
        field(
          "Path",
          h("input", {
            name: "path",
            value: `/${each.invoke_url_template}`,
            required: true,
            pattern: "/.*",
            spellcheck: "false",
            autocapitalize: "none",
          }),
          "With parameters in the place of {braces}, and a query after ?",
        ),
      ),
      field("Content-Type", h("input", { name: "type", value: "application/json" })),
    ),
    field("Body", textArea("body", "", 4), "Not sent with GET and HEAD"),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Send")),
    result,
  );
  return sending(form, async (data) => {
    const method = data.get("method");
    const hasBody = method !== "GET" && method !== "HEAD" && data.get("body") !== "";
    const target = new URL(data.get("path"), location.origin);
    if (target.origin !== location.origin)
      throw new Problem(400, "The path leads to another host: begin it with one slash.");
    const began = performance.now();
    const response = await send(target.pathname + target.search, {
      method,
      ...(hasBody ? { body: data.get("body"), headers: { "Content-Type": data.get("type") } } : {}),
    });
    result.replaceChildren(...(await answerView(response, performance.now() - began)));
  });
}

async function answerView(response, took) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    h(
      "p",
      {},
      h("strong", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`),
      ` after ${span(took)}`,
    ),
    valueView("Answer", await response.text()),
    valueView("Headers", headers, { open: false }),
  ].filter(Boolean);
}
