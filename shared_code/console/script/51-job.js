// One job: what it does and waits for, what became of its files, and what somebody may decide about it.

function jobScreen({ path: [id], signal }) {
  if (!IS_JOB_ID.test(id))
    return {
      title: "Job",
      content: h("p", { class: "alert" }, "This is no id of a job: one has 32 digits, 0 to 9 and a to f."),
    };
  const parts = {
    head: h("div"),
    times: h("div"),
    wait: h("div"),
    decide: h("div"),
    progress: h("div"),
    result: h("div"),
    ledger: h("div"),
    actions: h("div", { class: "actions" }),
  };
  const heading = h("span", {}, "Job");
  let phase = "";
  let before = "";
  follow(
    signal,
    async (round) => {
      const { body: job } = await api(`status/${id}`, {
        headers: preferring(round.wait),
        signal: round.signal,
      });
      const print = JSON.stringify(job);
      const same = print === before;
      before = print;
      if (!same) {
        heading.textContent = [kindOf(job), job.env].filter(Boolean).join(" · ");
        remember(job.env);
        showJob(parts, job, signal);
        const now = `${job.status}: ${phaseOf(job)}`;
        if (phase && phase !== now) announce(`${now}.`);
        phase = now;
      }
      return ENDED.has(job.status) ? "over" : same ? "same" : "changed";
    },
    { waits: true },
  ).catch((error) => parts.head.replaceChildren(...screenProblem(error)));
  return { title: "Job", heading, content: Object.values(parts) };
}

/** Has the API answer when the job has ended, or after N seconds. */
const preferring = (seconds) => (seconds ? { Prefer: `wait=${seconds}` } : {});

function showJob(parts, job, signal) {
  const shows = (name, print, make) => {
    if (parts[name].print === print) return;
    parts[name].print = print;
    parts[name].replaceChildren(...[make()].flat().filter(Boolean));
  };
  shows("head", JSON.stringify([job.status, job.error]), () => jobHead(job));
  shows("times", JSON.stringify([job.lastUpdatedAt, job.expiresAt]), () =>
    facts(
      ["Submitted", time(job.createdAt)],
      ["Last change", time(job.lastUpdatedAt)],
      ["Cancelled by", job.canceledBy],
      ["Kept until", time(job.expiresAt)],
    ),
  );
  shows("wait", JSON.stringify(waitOf(job)), () => waitNote(job));
  shows("decide", String(job.approvalUri && job.progress.approval?.expiresAt), () =>
    job.approvalUri ? decisionForm(job) : null,
  );
  shows("progress", JSON.stringify([job.progress, job.status]), () => progressPanel(job));
  shows("result", JSON.stringify(job.result), () => resultPanel(job));
  shows("ledger", `${hasLedger(job)} ${ENDED.has(job.status)}`, () =>
    hasLedger(job) ? ledgerPanel(job, signal) : null,
  );
  shows("actions", String(ENDED.has(job.status)), () => (ENDED.has(job.status) ? null : cancelButton(job)));
}

function jobHead(job) {
  return [
    h("p", { class: "lead" }, badge(job.status), " ", h("code", { class: "id" }, job.id), copyButton(job.id)),
    job.error &&
      h(
        "div",
        { class: "alert" },
        h("strong", {}, "Failed"),
        h("code", {}, job.error.code),
        h("p", {}, job.error.message),
      ),
  ];
}

function copyButton(text) {
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet",
      "aria-label": "Copy the id",
      onclick: async () => {
        await navigator.clipboard.writeText(text);
        announce("Copied.");
        button.textContent = "Copied";
      },
    },
    "Copy",
  );
  return button;
}

function waitNote(job) {
  const wait = waitOf(job);
  if (!wait) return null;
  const unknown = !wait.next && !wait.until && wait.whenUnknown;
  return h(
    "section",
    { class: "wait", "aria-label": "What the job waits for" },
    h("h2", {}, wait.title, wait.code && h("code", {}, wait.code)),
    h("p", {}, wait.sentence),
    unknown ? h("p", { class: "dim" }, unknown) : null,
    facts(["Waits since", time(wait.since)], ["Next try", time(wait.next)], ["Until", time(wait.until)]),
  );
}

function decisionForm(job) {
  const { estimate } = job.progress;
  const key = h("input", {
    type: "password",
    name: "key",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: keys.all()[APPROVALS] ? "Known for this tab" : "",
  });
  const form = h(
    "form",
    { class: "panel decision" },
    h("h2", {}, "Approve or reject"),
    estimate &&
      h(
        "p",
        {},
        "It would cost about ",
        h("strong", {}, amount(estimate.cost)),
        `, for ${number(estimate.tokens)} tokens of ${number(estimate.files)} files.`,
      ),
    h(
      "div",
      { class: "fields" },
      field("Your name", h("input", { name: "by", maxlength: 200, autocomplete: "name" })),
      field("Key for approvals", key, "That of approve-function; without one, the key of this tab is sent."),
    ),
    field("Comment", h("textarea", { name: "comment", rows: 2, maxlength: 1000 })),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", value: "true", class: "primary" }, "Approve"),
      h("button", { type: "submit", value: "false", class: "danger" }, "Reject"),
    ),
  );
  return sending(form, async (data, button) => {
    if (data.get("key").trim()) keys.keep(APPROVALS, data.get("key").trim());
    key.value = "";
    const approved = button?.value !== "false";
    const by = data.get("by").trim();
    await api(`status/${job.id}/approval`, {
      method: "POST",
      purpose: APPROVALS,
      body: { approved, ...(by ? { by } : {}), comment: data.get("comment") },
    });
    form.replaceChildren(
      h("h2", {}, approved ? "Approved" : "Rejected"),
      h("p", { role: "status" }, approved ? "The job goes on." : "The job ends."),
    );
  });
}

function progressPanel(job) {
  const { progress } = job;
  const { total, failed, skipped, estimate, approval, watch, lanes } = progress;
  const units = UNITS[job.kind] ?? "items";
  return panel(
    "Progress",
    h(
      "p",
      { class: "figure" },
      phaseOf(job),
      hasCounts(progress) && ` · ${number(done(progress))} of ${number(total)} ${units}`,
    ),
    hasCounts(progress) && bar(progress, "Progress of the job"),
    hasCounts(progress) &&
      facts(
        ["Done", number(progress.completed)],
        ["Failed", failed > 0 ? h("span", { class: "bad" }, number(failed)) : "0"],
        ["Rows without a number", skipped > 0 ? number(skipped) : null],
      ),
    lanes?.length > 0 &&
      h(
        "div",
        { class: "lanes" },
        h("h3", {}, "Lanes"),
        h(
          "ol",
          {},
          lanes.map((lane, index) => laneLine(lane, index, total / lanes.length)),
        ),
      ),
    estimate && [h("h3", {}, "Estimate"), facts(...estimateFacts(estimate))],
    approval?.by && [
      h("h3", {}, "Approval"),
      facts(["Approved by", approval.by], ["Comment", approval.comment]),
    ],
    watch && [h("h3", {}, "Watch"), watchFacts(watch)],
  );
}

function laneLine(lane, index, fairShare) {
  const wait = lane.waiting ?? lane.held;
  return h(
    "li",
    {},
    h("span", {}, `Lane ${index + 1}`),
    bar(lane, `Lane ${index + 1}`, fairShare),
    h(
      "span",
      {},
      number(done(lane)),
      lane.failed > 0 && h("span", { class: "bad" }, ` (${number(lane.failed)} failed)`),
      wait && h("code", {}, wait.code),
    ),
  );
}

const estimateFacts = (estimate) => [
  ["Files to embed", number(estimate.files)],
  ["Size", bytes(estimate.bytes)],
  ["Tokens", number(estimate.tokens)],
  ["Cost", amount(estimate.cost)],
  ["Left of the budget", estimate.budgetLeft === undefined ? null : amount(estimate.budgetLeft)],
];

function watchFacts(watch) {
  const { last } = watch;
  const counts =
    last &&
    (last.error
      ? last.error.message
      : `${number(last.embedded)} embedded, ${number(last.unchanged)} unchanged, ${number(last.failed)} failed, ${number(last.deleted)} deleted`);
  return facts(
    ["Every", `${number(watch.minutes)} min`],
    ["Round", number(watch.round)],
    ["Next", watch.next && time(watch.next.at)],
    ["Last", last && [`round ${number(last.round)}, `, time(last.endedAt), `: ${counts}`]],
  );
}

function cancelButton(job) {
  return h(
    "button",
    {
      type: "button",
      class: "danger",
      onclick: async () => {
        const name = h("input", { name: "by", maxlength: 200, autocomplete: "name" });
        const by = await ask(
          "Cancel the job?",
          [
            h(
              "p",
              {},
              "What runs stops at its next request. What is embedded stays in the index, and what was paid is in the usage.",
            ),
            field("Your name", name, "Shown as who cancelled it."),
          ],
          { action: "Cancel the job", danger: true, answer: () => name.value.trim() || "console" },
        );
        if (by === null) return;
        try {
          await api(`status/${job.id}`, { method: "DELETE", query: { by } });
          announce("The job is being cancelled.");
        } catch (error) {
          await ask("The job was not cancelled", problemNote(error), { action: "Understood" });
        }
      },
    },
    "Cancel job",
  );
}
