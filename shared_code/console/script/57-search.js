// Questions to the index, and the texts that answer them.

const MODES = [
  ["hybrid", "Meaning and words"],
  ["vector", "Meaning"],
  ["text", "Words"],
];
const SOURCE_KINDS = [
  ["", "Files and events"],
  ["files", "Files"],
  ["events", "Live events"],
];

function searchScreen({ query, signal }) {
  const place = h("div", { class: "results" });
  if (query.q && query.env) {
    shown(place, signal, async (round) => {
      const { body } = await api("search", { query: { mode: "hybrid", top: 10, ...query }, signal: round });
      remember(query.env);
      return searchResults(body, query.q);
    });
  }
  return { title: "Search", content: [searchForm(query), place] };
}

function searchForm(query) {
  const form = h(
    "form",
    { class: "panel search", role: "search" },
    h(
      "div",
      { class: "fields" },
      environmentField(query.env ?? environments.last(), { required: true, pattern: LABEL }),
      h(
        "div",
        { class: "wide" },
        field(
          "Question",
          h("input", {
            type: "search",
            name: "q",
            required: true,
            maxlength: 1000,
            value: query.q ?? "",
            "data-search": true,
          }),
        ),
      ),
      h("button", { type: "submit", class: "primary" }, "Ask"),
    ),
    h(
      "details",
      { open: ["version", "source", "kind", "around"].some((name) => query[name]) },
      h("summary", {}, "Options"),
      h(
        "div",
        { class: "fields" },
        versionField(query.version, { placeholder: "The live one" }),
        field("Compare", choice("mode", MODES, query.mode)),
        field(
          "Results",
          h("input", { type: "number", name: "top", min: 1, max: 50, value: query.top ?? 10 }),
        ),
        field("Kind", choice("kind", SOURCE_KINDS, query.kind)),
        field(
          "Sources that begin with",
          text("source", { value: query.source ?? "", placeholder: "container/folder/" }),
        ),
        field(
          "Neighbours",
          h("input", { type: "number", name: "around", min: 0, max: 5, value: query.around ?? 0 }),
          "Texts before and after each result",
        ),
      ),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(address("search", Object.fromEntries(new FormData(form))));
  });
  return form;
}

function searchResults(answer, question) {
  const words = question.toLowerCase().match(/[\p{L}\p{N}]{4,}/gu) ?? [];
  return [
    answer.notice && h("p", { class: "wait" }, h("code", {}, answer.notice.code), " ", answer.notice.message),
    h(
      "p",
      { class: "dim", role: "status" },
      `${number(answer.results.length)} results from ${answer.index} by ${MODES.find(([name]) => name === answer.mode)?.[1].toLowerCase() ?? answer.mode} · ${number(answer.tokens)} tokens`,
    ),
    answer.results.length === 0 && h("p", { class: "empty" }, "Nothing was found."),
    h(
      "ol",
      { class: "hits" },
      answer.results.map((hit) => searchHit(hit, words)),
    ),
  ].filter(Boolean);
}

function searchHit(hit, words) {
  const neighbours = (name, texts) =>
    texts?.length > 0 &&
    h(
      "details",
      {},
      h("summary", {}, name),
      texts.map((each) => h("p", { class: "text" }, each)),
    );
  return h(
    "li",
    {},
    h(
      "p",
      { class: "crumbs" },
      hit.context
        ? hit.context
            .split(" > ")
            .flatMap((part, index) => [index > 0 && h("span", { "aria-hidden": true }, " / "), part])
        : null,
    ),
    h("h2", { class: "path" }, hit.source ?? `Event ${hit.trackingId}`),
    h(
      "p",
      { class: "dim" },
      [placeOf(hit.position), `score ${Number(hit.score).toPrecision(3)}`].filter(Boolean).join(" · "),
    ),
    neighbours("Before", hit.before),
    h("p", { class: "text" }, marked(hit.text, words)),
    neighbours("After", hit.after),
  );
}

/** A text in which words stand out that begin as the longer ones of the question do. */
function marked(content, words) {
  if (!words.length) return content;
  const any = new RegExp(`(?<![\\p{L}\\p{N}])(${words.join("|")})`, "giu");
  return content.split(any).map((part, index) => (index % 2 ? h("mark", {}, part) : part));
}
