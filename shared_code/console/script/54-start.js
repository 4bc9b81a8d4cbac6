// Forms that start jobs. Files are estimated first: the price is known before anything is spent.

const FORMS = {
  __proto__: null,
  files: "Files",
  event: "Live event",
  audit: "Audit query",
  evaluation: "Evaluation",
};

function startScreen({ path: [chosen = "files"], query, signal }) {
  const known = chosen in FORMS ? chosen : "files";
  const tabs = h(
    "nav",
    { class: "tabs", "aria-label": "Kinds of jobs" },
    Object.entries(FORMS).map(([name, label]) =>
      h("a", { href: `#/start/${name}`, "aria-current": name === known ? "page" : null }, label),
    ),
  );
  const make = { files: filesForm, event: eventForm, audit: auditForm, evaluation: evaluationForm }[known];
  return { title: "Start a job", content: [tabs, make(query, signal)] };
}

const text = (name, properties = {}) =>
  h("input", { name, spellcheck: "false", autocapitalize: "none", autocomplete: "off", ...properties });
const versionField = (value, properties = {}) =>
  field(
    "Version",
    text("version", { value: value ?? "", pattern: LABEL, ...properties }),
    "Of the index, such as v1",
  );
const check = (name, label, hint) => field(label, h("input", { type: "checkbox", name }), hint);

function filesForm(query, signal) {
  const estimate = h("div", { class: "estimate", role: "status" });
  const start = h("button", { type: "submit", value: "start", class: "primary", hidden: true }, "Start");
  const form = h(
    "form",
    { class: "panel" },
    h(
      "p",
      {},
      "Embeds every file below a path into a version of an environment's index. What is in there unchanged costs nothing.",
    ),
    h(
      "div",
      { class: "fields" },
      environmentField(query.env ?? environments.last(), { required: true, pattern: LABEL }),
      versionField(query.version, { required: true }),
      field(
        "Path",
        text("filesPath", { required: true, value: query.filesPath ?? "", maxlength: 1000 }),
        "container, container/folder or container/folder/file",
      ),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Options"),
      h(
        "div",
        { class: "fields" },
        field(
          "Approval above",
          h("input", { type: "number", name: "approvalAbove", min: 0, step: "any" }),
          "Waits for somebody if it may cost more",
        ),
        field(
          "Watch every … minutes",
          h("input", { type: "number", name: "watchMinutes", min: 1, max: 44640, step: 1 }),
          "Embeds the path again and again, until it is cancelled",
        ),
        check("allowShrink", "Files that are gone are meant to be", "However many they are"),
      ),
    ),
    h("div", { class: "actions" }, h("button", { type: "submit", value: "estimate" }, "Estimate"), start),
    estimate,
  );
  let name = requestName();
  const forget = () => {
    estimate.replaceChildren();
    start.hidden = true;
    name = requestName();
  };
  form.addEventListener("input", forget);
  return sending(form, async (data, button) => {
    const request = filesRequest(data);
    if (button?.value === "start" && !start.hidden) {
      await startJob(request, name);
      return;
    }
    forget();
    estimate.replaceChildren("Estimating …");
    const job = await dryRun(request, signal, (sentence) => estimate.replaceChildren(sentence));
    if (signal.aborted) return;
    estimate.replaceChildren(...estimated(job));
    start.hidden = Boolean(job.error);
    start.textContent = `Start for about ${amount(job.progress.estimate?.cost ?? 0)}`;
    if (!start.hidden) start.focus();
  });
}

function filesRequest(data) {
  const request = {
    env: data.get("env").trim(),
    version: data.get("version").trim(),
    filesPath: data.get("filesPath").trim(),
  };
  for (const name of ["approvalAbove", "watchMinutes"])
    if (data.get(name)) request[name] = Number(data.get(name));
  if (data.get("allowShrink")) request.allowShrink = true;
  return request;
}

/** Runs a job that ends with its estimate; its last status. */
async function dryRun({ env, version, filesPath }, signal, tell) {
  const {
    body: { id },
  } = await api("orchestrators/start", {
    method: "POST",
    signal,
    body: { env, version, filesPath, dryRun: true },
    headers: preferring(10),
  });
  let job = null;
  await follow(signal, async (round) => {
    ({ body: job } = await api(`status/${id}`, { signal: round.signal }));
    tell(`${phaseOf(job)} …`);
    return ENDED.has(job.status) ? "over" : "changed";
  });
  return job;
}

function estimated(job) {
  if (job.error)
    return [
      h(
        "div",
        { class: "alert", role: "alert" },
        h("strong", {}, "No estimate"),
        h("code", {}, job.error.code),
        h("p", {}, job.error.message),
      ),
    ];
  const { estimate } = job.progress;
  if (!estimate) return [h("p", {}, "There is nothing to embed.")];
  const tooDear = estimate.budgetLeft !== undefined && estimate.cost > estimate.budgetLeft;
  return [
    h("p", { class: "count" }, amount(estimate.cost)),
    h("p", { class: "dim" }, "expected cost, made of names and sizes alone"),
    facts(...estimateFacts(estimate)),
    tooDear &&
      h(
        "p",
        { class: "alert" },
        "That is more than is left of the budget: the job would be held on its way.",
      ),
  ].filter(Boolean);
}

async function startJob(body, name) {
  const {
    body: { id },
  } = await api("orchestrators/start", { method: "POST", body, headers: { "Idempotency-Key": name } });
  remember(body.env);
  go(`#/jobs/${id}`);
}

/** A form whose job has no price beforehand. */
function plainForm(sentence, fields, action, submit) {
  const form = h(
    "form",
    { class: "panel" },
    h("p", {}, sentence),
    h("div", { class: "fields" }, fields),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, action)),
  );
  let name = requestName();
  form.addEventListener("input", () => {
    name = requestName();
  });
  return sending(form, (data) => submit(data, name));
}

function eventForm(query) {
  return plainForm(
    "Embeds one live event, whose text is looked up. An event that is submitted twice runs once; its text is small, and has no estimate.",
    [
      field(
        "Tracking id",
        text("trackingId", { required: true, maxlength: 255, value: query.trackingId ?? "" }),
      ),
      field("Session", text("sessionId", { required: true, maxlength: 255, value: query.sessionId ?? "" })),
      environmentField("", { pattern: LABEL, placeholder: "As set for events" }),
      versionField("", { placeholder: "As set for events" }),
      check("force", "Embed it again", "Although it was embedded before"),
    ],
    "Start",
    (data, name) => {
      const labels = Object.fromEntries(
        ["env", "version"].map((each) => [each, data.get(each).trim()]).filter(([, value]) => value),
      );
      return startJob(
        {
          trackingId: data.get("trackingId"),
          sessionId: data.get("sessionId"),
          ...labels,
          ...(data.get("force") ? { force: true } : {}),
        },
        name,
      );
    },
  );
}

function auditForm() {
  return plainForm(
    "Counts the distinct people that the audit table holds between two dates, both of which belong to the range. It costs no tokens.",
    [
      field("First day", h("input", { type: "date", name: "s", required: true })),
      field("Last day", h("input", { type: "date", name: "e", required: true })),
    ],
    "Count",
    async (data, name) => {
      const query = { s: data.get("s"), e: data.get("e") };
      const {
        body: { id },
      } = await api("submit/query", { method: "POST", query, headers: { "Idempotency-Key": name } });
      go(`#/jobs/${id}`);
    },
  );
}

function evaluationForm(query) {
  return plainForm(
    "Asks a version of the index golden questions, and says how many of them it answers. It costs the tokens of the questions.",
    [
      environmentField(query.env ?? environments.last(), { required: true, pattern: LABEL }),
      versionField(query.version, { required: true }),
      field(
        "Golden questions",
        text("questions", {
          required: true,
          value: query.questions ?? "",
          placeholder: "golden/questions.jsonl",
        }),
        "container/file.jsonl",
      ),
    ],
    "Evaluate",
    (data, name) =>
      startJob(
        {
          env: data.get("env").trim(),
          version: data.get("version").trim(),
          questions: data.get("questions").trim(),
        },
        name,
      ),
  );
}
