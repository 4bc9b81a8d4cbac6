// What became of a job's files: read in pages, searched here, and never more of it on the page than people read.

const ENTRIES_SHOWN = 200;

const hasLedger = (job) =>
  job.kind === "embed-files" && (job.progress.failed > 0 || job.result?.ledger?.length > 0);

function ledgerPanel(job, signal) {
  const list = h("ul", { class: "entries" });
  const note = h("p", { class: "dim", role: "status" }, "Reading …");
  const search = h("input", {
    type: "search",
    "data-search": true,
    spellcheck: "false",
    autocapitalize: "none",
  });
  const more = h("button", { type: "button", hidden: true }, "Show more");
  const entries = [];
  let shownEntries = ENTRIES_SHOWN;
  let whole = false;

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = entries.filter(({ source, code, message }) => {
      const text = `${source} ${code} ${message}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    patch(
      list,
      found.slice(0, shownEntries),
      ({ source, code, message }) => `${source}\n${code}\n${message}`,
      ledgerEntry,
    );
    more.hidden = found.length <= shownEntries;
    const all = whole ? "" : " so far";
    note.textContent = words.length
      ? `${number(found.length)} of ${number(entries.length)} entries${all}`
      : `${number(entries.length)} entries${all}`;
  }

  search.addEventListener("input", () => {
    shownEntries = ENTRIES_SHOWN;
    show();
  });
  more.addEventListener("click", () => {
    shownEntries += ENTRIES_SHOWN;
    show();
  });
  readLedger(job, signal, (page, isWhole) => {
    entries.push(...page);
    whole = isWhole && ENDED.has(job.status);
    show();
  }).catch((error) => {
    if (!signal.aborted) note.replaceWith(problemNote(error));
  });
  return h(
    "section",
    { class: "panel" },
    h(
      "div",
      { class: "row" },
      h("h2", {}, "Ledger"),
      ENDED.has(job.status) && job.progress.failed > 0 && retryButton(job),
    ),
    field("Search the ledger", search),
    note,
    list,
    more,
  );
}

async function readLedger(job, signal, take) {
  for await (const page of pages(`status/${job.id}/ledger`, "ledger", { signal })) take(page, false);
  take([], true);
}

function ledgerEntry({ source, code, message }) {
  return h("li", {}, h("span", { class: "path" }, source), " ", h("code", {}, code), h("p", {}, message));
}

function retryButton(job) {
  const outcome = h("span");
  const name = requestName();
  const button = h(
    "button",
    {
      type: "button",
      onclick: async () => {
        button.disabled = true;
        try {
          const { body } = await api("orchestrators/start", {
            method: "POST",
            body: { retryOf: job.id },
            headers: { "Idempotency-Key": name },
          });
          go(`#/jobs/${body.id}`);
        } catch (error) {
          outcome.replaceChildren(problemNote(error));
          button.disabled = false;
        }
      },
    },
    "Try failed files again",
  );
  return h("div", {}, button, outcome);
}
