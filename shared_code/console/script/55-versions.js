// The versions of an environment's index, how good each is, and which one is live.

const FIGURES = ["recall@1", "recall@5", "recall@10", "mrr"];

function versionsScreen({ path: [env], signal }) {
  const place = h("div");
  showOfEnvironment(env, place, signal, async (round) =>
    versionCards(env, (await api(`index/${env}`, { signal: round })).body, place),
  );
  return { title: "Versions", content: [environmentForm("versions", env), place] };
}

/** Shows what `load` gives of an environment, if there is one that can be asked about. */
function showOfEnvironment(env, place, signal, load) {
  if (env && IS_LABEL.test(env)) shown(place, signal, load);
  else
    place.append(
      h("p", { class: "empty" }, env ? "This is no name of an environment." : "Say which environment."),
    );
}

/** Asks for the environment of a screen, and goes there. */
function environmentForm(screen, env) {
  const form = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Choose an environment" },
    environmentField(env ?? "", { required: true, pattern: LABEL, "data-search": true }),
    h("button", { type: "submit" }, "Show"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(`#/${screen}/${encodeURIComponent(new FormData(form).get("env").trim())}`);
  });
  return form;
}

function versionCards(env, index, place) {
  remember(env);
  const redraw = (changed) => place.replaceChildren(...versionCards(env, changed, place));
  return [
    index.versions.length === 0 &&
      h("p", { class: "empty" }, `${env} has no version of an index yet: start an embedding job.`),
    ...index.versions.map((version) => versionCard(env, version, redraw)),
    index.promotions.length > 0 && promotionList(index.promotions),
  ].filter(Boolean);
}

function versionCard(env, version, redraw) {
  const { evaluation } = version;
  const refusal = h("div");
  return h(
    "section",
    { class: "panel version", "aria-label": `Version ${version.version}` },
    h(
      "div",
      { class: "row" },
      h("h2", {}, version.version, " ", version.live && h("span", { class: "badge completed" }, "Live")),
      h(
        "div",
        { class: "actions" },
        h(
          "a",
          {
            class: "button",
            href: address("start/evaluation", {
              env,
              version: version.version,
              questions: evaluation?.questions,
            }),
          },
          "Evaluate",
        ),
        !version.live && promoteButton(env, version.version, refusal, redraw),
      ),
    ),
    facts(["Sources", number(version.sources)], ["Chunks", number(version.chunks)], ["Model", version.model]),
    evaluation
      ? [
          h("h3", {}, "Last evaluation"),
          facts(
            ...FIGURES.map((name) => [name === "mrr" ? "MRR" : name, share(evaluation[name])]),
            ["Questions", `${number(evaluation.asked)} of ${evaluation.questions}`],
            ["When", h("a", { href: `#/jobs/${encodeURIComponent(evaluation.job)}` }, moment(evaluation.at))],
          ),
        ]
      : h("p", { class: "dim" }, "Not evaluated yet."),
    refusal,
  );
}

function promoteButton(env, version, refusal, redraw) {
  return h(
    "button",
    {
      type: "button",
      onclick: async () => {
        const name = h("input", { name: "by", maxlength: 200, autocomplete: "name" });
        const by = await ask(
          `Make ${version} live?`,
          [h("p", {}, `Searches in ${env} are answered by ${version} at once.`), field("Your name", name)],
          { action: "Make it live", answer: () => name.value.trim() || "console" },
        );
        if (by !== null) await promote(env, { live: version, by }, refusal, redraw);
      },
    },
    "Make live",
  );
}

async function promote(env, body, refusal, redraw) {
  try {
    redraw((await api(`index/${env}`, { method: "PUT", purpose: PROMOTIONS, body })).body);
    announce(`${body.live} is live.`);
  } catch (error) {
    refusal.replaceChildren(
      problemNote(error),
      ...refused(error, () => promote(env, { ...body, force: true }, refusal, redraw)),
    );
    refusal.scrollIntoView({ block: "nearest" });
  }
}

/** Both versions beside each other, and the way to have it all the same. */
function refused(error, force) {
  if (error.status !== 409) return [];
  const { live, candidate } = error.body;
  return [
    figureTable(live, candidate),
    h(
      "button",
      {
        type: "button",
        class: "danger",
        onclick: async () => {
          const sure = await ask("Make it live all the same?", h("p", {}, error.message), {
            action: "Make it live by force",
            danger: true,
          });
          if (sure) await force();
        },
      },
      "Make it live all the same",
    ),
  ].filter(Boolean);
}

function figureTable(live, candidate) {
  const [mine, theirs] = [candidate, live].map((each) => each?.evaluation ?? each);
  if (!mine || !theirs || !(FIGURES[0] in mine) || !(FIGURES[0] in theirs)) return null;
  return h(
    "table",
    { class: "figures" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["", `${live.version} (live)`, candidate.version, "Difference"].map((name) =>
          h("th", { scope: "col" }, name),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      FIGURES.map((name) => {
        const difference = mine[name] - theirs[name];
        return h(
          "tr",
          {},
          h("th", { scope: "row" }, name),
          h("td", {}, share(theirs[name])),
          h("td", {}, share(mine[name])),
          h("td", { class: difference < 0 ? "bad" : "" }, `${difference > 0 ? "+" : ""}${share(difference)}`),
        );
      }),
    ),
  );
}

function promotionList(promotions) {
  return panel(
    "Promotions",
    h(
      "ol",
      { class: "entries" },
      promotions.map((each) =>
        h(
          "li",
          {},
          h("strong", {}, each.live),
          each.before && ` after ${each.before}`,
          " · ",
          time(each.at),
          each.by && ` · ${each.by}`,
          each.forced && h("span", { class: "badge failed" }, "By force"),
        ),
      ),
    ),
  );
}
