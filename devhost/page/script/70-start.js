// A form for each orchestrator, with the input that it was last started with.

function startScreen({ path: [chosen], query, signal }) {
  const place = h("div", { "aria-busy": "true" });
  const show = async () => {
    const names = await orchestrators(signal);
    place.removeAttribute("aria-busy");
    if (!names.length) return place.replaceChildren(emptyNote("The app has no orchestrator."));
    const name = names.includes(chosen) ? chosen : names[0];
    place.replaceChildren(startForm(names, name, await lastInput(name, query.like, signal)));
  };
  show().catch((error) => signal.aborted || place.replaceChildren(problemNote(error)));
  return { title: "Start", content: place };
}

/** The names by which orchestrators are started. */
async function orchestrators(signal) {
  const { body } = await api(`${ADMIN}functions`, { signal });
  return body
    .map((each) => [each, each.config.bindings.find((binding) => binding.type === "orchestrationTrigger")])
    .filter(([, trigger]) => trigger)
    .map(([each, trigger]) => trigger.orchestration || each.name);
}

/** The input of one instance, or of the last one of that name; an empty text if there is none. */
async function lastInput(name, like, signal) {
  const id =
    like ??
    (await api(`${ADMIN}instances`, { query: { name, top: 1 }, signal })).body.instances[0]?.instanceId;
  if (!id) return { text: "" };
  const { body } = await api(instancePath(id), { signal }).catch((error) => ({
    body: problemNote(error) && {},
  }));
  return isShown(body.input) ? { text: JSON.stringify(opened(body.input), null, 2), from: id } : { text: "" };
}

function startForm(names, name, { text, from }) {
  const select = choice("name", names, name);
  select.addEventListener("change", () => go(`#/start/${part(select.value)}`));
  const hint = from ? `JSON; this was the input of ${from}.` : 'JSON, such as {"files": 3}; may be empty.';
  const form = h(
    "form",
    { class: "panel" },
    h(
      "div",
      { class: "fields" },
      field("Orchestrator", select),
      field(
        "Id",
        h("input", { name: "id", spellcheck: "false", autocapitalize: "none", placeholder: "A new one" }),
      ),
      field("Version", h("input", { name: "version", spellcheck: "false", placeholder: "That of the host" })),
    ),
    field("Input", textArea("input", text, Math.min(20, Math.max(5, text.split("\n").length + 1))), hint),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Start")),
  );
  return sending(form, async (data) => {
    const input = asSdk(typedJson(data.get("input"), "The input"));
    const id = data.get("id").trim();
    const path = `${MANAGEMENT}orchestrators/${part(name)}${id && `/${part(id)}`}`;
    const { body } = await api(path, {
      method: "POST",
      body: input,
      query: { version: data.get("version").trim() },
    });
    go(`#/instances/${part(body.id)}`);
  });
}
