// What a job has done: figures by their names, and the questions that an evaluation missed.

const RESULT_NAMES = {
  __proto__: null,
  embedded: "Embedded",
  unchanged: "Unchanged",
  failed: "Failed",
  deleted: "Deleted",
  files: "Files",
  chunks: "Chunks",
  documents: "Documents",
  asked: "Questions",
  "recall@1": "recall@1",
  "recall@5": "recall@5",
  "recall@10": "recall@10",
  mrr: "MRR",
  missed: "Missed",
  notIndexed: "Not indexed",
  tokens: "Tokens",
  requests: "Requests",
  cost: "Cost",
  rounds: "Rounds",
  windows: "Windows",
  read: "Read",
  trackingId: "Tracking id",
  sessionId: "Session",
  env: "Environment",
  version: "Version",
  questions: "Golden questions",
};

function resultPanel(job) {
  const { result } = job;
  if (result === null || result === undefined) return null;
  if (typeof result === "number")
    return panel(
      "Result",
      h("p", { class: "count" }, number(result)),
      h("p", { class: "dim" }, "distinct people"),
    );
  const known = Object.keys(RESULT_NAMES).filter((name) => name in result);
  return panel(
    "Result",
    facts(...known.map((name) => [RESULT_NAMES[name], resultValue(name, result[name])])),
    result.misses?.length > 0 && missTable(result.misses),
  );
}

function resultValue(name, value) {
  if (typeof value !== "number") return value;
  if (name === "cost") return amount(value);
  return name.startsWith("recall") || name === "mrr" ? share(value) : number(value);
}

function missTable(misses) {
  return [
    h("h3", {}, "Questions that were missed"),
    h(
      "ul",
      { class: "entries" },
      misses.map((miss) =>
        h(
          "li",
          {},
          h("strong", {}, miss.question),
          facts(
            ["Expected", miss.sources.join(", ")],
            ["Found", miss.found.join(", ") || "nothing"],
            ["Not indexed", miss.notIndexed?.join(", ")],
          ),
        ),
      ),
    ),
  ];
}
