// The list of jobs: one page at a time, and one request for all that is live in it.

const JOBS_OF_A_PAGE = 20;
// A page of jobs costs the app as much as ten looks at one.
const JOBS_PAUSE = 10_000;
const COLUMNS = ["Job", "Status", "Progress", "Submitted"];

function jobsScreen({ query, signal }) {
  const rows = h("tbody", { role: "rowgroup" });
  const empty = h("p", { class: "empty", hidden: true });
  const place = h(
    "div",
    { "aria-busy": "true" },
    h(
      "table",
      { class: "jobs", role: "table", "aria-label": "Jobs" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          COLUMNS.map((name) => h("th", { role: "columnheader", scope: "col" }, name)),
        ),
      ),
      rows,
    ),
    empty,
  );
  const pager = h("nav", { class: "pager", "aria-label": "Pages" });
  const asked = {
    env: query.env,
    kind: query.kind,
    status: query.status,
    createdAfter: query.since,
    top: JOBS_OF_A_PAGE,
    after: query.after,
  };
  let before = "";
  follow(
    signal,
    async (round) => {
      const { body } = await api("jobs", { query: asked, signal: round.signal });
      place.removeAttribute("aria-busy");
      body.jobs.filter((job) => !environments.known.has(job.env)).forEach((job) => remember(job.env));
      patch(rows, body.jobs, (job) => job.id, jobRow);
      empty.hidden = body.jobs.length > 0;
      empty.textContent = emptyList(query, body.next);
      pager.replaceChildren(...pageLinks(query, body.next));
      const print = JSON.stringify(body.jobs);
      const same = print === before;
      if (before && !same) announce(summary(body.jobs));
      before = print;
      return same ? "same" : "changed";
    },
    { first: JOBS_PAUSE },
  ).catch((error) => place.replaceChildren(...screenProblem(error)));
  return { title: "Jobs", content: [jobFilters(query), place, pager] };
}

function summary(jobs) {
  const live = jobs.filter((job) => !ENDED.has(job.status)).length;
  return live
    ? `${live} of ${jobs.length} jobs on this page are under way.`
    : `All ${jobs.length} jobs on this page have ended.`;
}

function emptyList({ env, kind, status, since }, next) {
  if (next) return "None of the jobs looked through so far is like that: go on to older ones.";
  return env || kind || status || since ? "No job is like that." : "There is no job yet: start one.";
}

function jobRow(job) {
  const cell = (...content) => h("td", { role: "cell" }, ...content);
  const { total, failed } = job.progress;
  const counts = hasCounts(job.progress);
  return h(
    "tr",
    { role: "row" },
    h(
      "th",
      { role: "rowheader", scope: "row" },
      h(
        "a",
        { href: `#/jobs/${encodeURIComponent(job.id)}` },
        kindOf(job),
        job.env && h("span", { class: "env" }, ` ${job.env}`),
      ),
      h("code", { class: "id" }, shortId(job.id)),
    ),
    cell(badge(job.status)),
    cell(
      h(
        "div",
        { class: "progress" },
        counts && bar(job.progress, `Progress of ${shortId(job.id)}`),
        h(
          "span",
          {},
          phaseOf(job),
          counts && ` · ${number(done(job.progress))} of ${number(total)}`,
          failed > 0 && h("span", { class: "bad" }, ` · ${number(failed)} failed`),
        ),
      ),
    ),
    cell(time(job.createdAt)),
  );
}

function jobFilters(query) {
  const any = (name) => [["", `Any ${name}`]];
  const form = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Filter jobs" },
    environmentField(query.env, { placeholder: "Any", pattern: LABEL }),
    field("Kind", choice("kind", [...any("kind"), ...Object.entries(KINDS)], query.kind)),
    field(
      "Status",
      choice("status", [...any("status"), ...STATUSES.map((each) => [each, each])], query.status),
    ),
    field(
      "Since",
      h("input", {
        type: "date",
        name: "since",
        value: /^\d{4}-\d\d-\d\d$/.test(query.since ?? "") ? query.since : "",
      }),
    ),
    field(
      "Job id",
      h("input", {
        type: "search",
        name: "id",
        "data-search": true,
        spellcheck: "false",
        autocapitalize: "none",
        placeholder: "32 digits",
        pattern: "\\s*[0-9a-f]{32}\\s*",
      }),
    ),
    h("button", { type: "submit" }, "Show"),
  );
  const show = () => {
    if (!form.reportValidity()) return;
    const { id, ...filters } = Object.fromEntries(new FormData(form));
    go(id.trim() ? `#/jobs/${id.trim()}` : address("jobs", filters));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  form.querySelectorAll("select").forEach((select) => select.addEventListener("change", show));
  return form;
}

function pageLinks(query, next) {
  const { after, ...filters } = query;
  return [
    after && h("a", { class: "button", href: address("jobs", filters) }, "Newest"),
    after && h("button", { type: "button", onclick: () => history.back() }, "Back"),
    next && h("a", { class: "button", href: address("jobs", { ...filters, after: next }) }, "Older"),
  ].filter(Boolean);
}
