// What can be done to an instance; what cannot be taken back is asked twice.

const ACTIONS = [
  { label: "Raise event", when: (status) => !ENDED.has(status), run: raiseEvent },
  {
    label: "Suspend",
    when: (status) => status === "Running" || status === "Pending",
    run: withReason("suspend", "It takes no events until it is resumed."),
  },
  {
    label: "Resume",
    when: (status) => status === "Suspended",
    run: withReason("resume", "It goes on with what has arrived meanwhile."),
  },
  {
    label: "Rewind",
    when: (status) => status === "Failed",
    run: withReason(
      "rewind",
      "Its failed tasks are tried again, and those of its failed sub-orchestrations.",
    ),
  },
  { label: "Restart", when: () => true, run: restart },
  {
    label: "Terminate",
    danger: true,
    when: (status) => !ENDED.has(status),
    run: withReason(
      "terminate",
      "It ends at once, whatever its code is at; its sub-orchestrations go on. This cannot be taken back.",
      true,
    ),
  },
  { label: "Purge", danger: true, when: (status) => ENDED.has(status), run: purge },
];

function actionsOf(instance, recording) {
  const id = instance.instanceId;
  const exported = () =>
    download(`${id.replace(/[^\w.-]+/g, "_")}.json`, JSON.stringify(recording.events, null, 2));
  const fitting = instance.isEntity ? [] : ACTIONS.filter(({ when }) => when(instance.status));
  return h(
    "div",
    { class: "actions" },
    fitting.map(({ label, run, danger }) =>
      button(label, () => run(instance, label), danger ? "danger" : ""),
    ),
    recording.events.length > 0 && button("Export history", exported),
    !instance.isEntity &&
      h(
        "a",
        { class: "button", href: `#/start/${part(instance.name)}?like=${part(id)}` },
        "Start another like it",
      ),
  );
}

/** An action that takes a reason. */
function withReason(operation, sentence, danger = false) {
  return async ({ instanceId }, label) => {
    const reason = h("input", { name: "reason" });
    const done = await ask(
      `${label} ${instanceId}?`,
      [h("p", {}, sentence), field("Reason", reason, "Kept with the instance; may be empty.")],
      {
        action: label,
        danger,
        act: (data) =>
          api(instancePath(instanceId, operation), { method: "POST", query: { reason: data.get("reason") } }),
      },
    );
    if (done) announce(`${label} is on its way.`);
  };
}

async function raiseEvent({ instanceId }) {
  const name = h("input", { name: "event", required: true, spellcheck: "false", autocapitalize: "none" });
  const done = await ask(
    "Raise an event",
    [
      field("Name", name, "As the code waits for it: case counts on Azure."),
      field("Data", textArea("data", "null", 4), "JSON"),
    ],
    {
      action: "Raise",
      act: (data) => {
        const value = typedJson(data.get("data"), "The data") ?? null;
        return api(instancePath(instanceId, `raiseEvent/${part(data.get("event").trim())}`), {
          method: "POST",
          body: JSON.stringify(value),
        });
      },
    },
  );
  if (done) announce("The event is on its way.");
}

async function restart({ instanceId, status }) {
  const same = h("input", { type: "checkbox", name: "same", disabled: !ENDED.has(status) });
  const started = await ask(
    `Restart ${instanceId}?`,
    [
      h("p", {}, "The same orchestration begins with the same input."),
      field("Under the same id, which forgets this run", same),
    ],
    {
      action: "Restart",
      act: async (data) => {
        const query = { restartWithNewInstanceId: String(!data.get("same")) };
        return (await api(instancePath(instanceId, "restart"), { method: "POST", query })).body;
      },
    },
  );
  if (started) go(`#/instances/${part(started.id)}`);
}

async function purge({ instanceId }) {
  const done = await ask(
    `Purge ${instanceId}?`,
    [h("p", {}, "The host forgets it and its history. This cannot be taken back.")],
    {
      action: "Purge",
      danger: true,
      act: () => api(instancePath(instanceId), { method: "DELETE" }),
    },
  );
  if (done) go("#/instances");
}
