// What is shown is kept up to date: one request at a time, less often while nothing changes, none in a hidden tab.

const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 30_000;

/** Whether a tab is seen; resolves when it is. */
function seen(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
  });
}

const sleep = (milliseconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/**
 * Calls `load(pause)` again and again until the signal; it answers "changed", "same" or "over". A pause is doubled
 * by what is the same, and what does not answer for a moment is asked again, which the page says.
 * `waits` says that the request itself waits for a change.
 */
async function follow(signal, load, { waits = false } = {}) {
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    await seen(signal);
    if (signal.aborted) return;
    let missed = false;
    try {
      const outcome = await load(pause);
      connection.restored();
      if (outcome === "over") return;
      pause = outcome === "changed" ? FIRST_PAUSE : Math.min(pause * 1.5, LONGEST_PAUSE);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem) || !error.passes) throw error;
      pause = error.retryAfter ? error.retryAfter * 1_000 : Math.min(pause * 1.5, LONGEST_PAUSE);
      connection.lost(error, pause);
      missed = true;
    }
    if (!waits || missed) await sleep(pause, signal);
  }
}

/** The line that says that the app does not answer, and when it is asked again. */
const connection = {
  lost(problem, pause) {
    const line = document.getElementById("connection");
    line.replaceChildren(`${problem.title}: ${problem.message} Asked again in ${duration(pause)}.`);
    line.hidden = false;
  },
  restored() {
    document.getElementById("connection").hidden = true;
  },
};

/** Shows what `load` gives in place of a note, tries again while the app does not answer, or says what is wrong. */
async function shown(place, signal, load) {
  place.setAttribute("aria-busy", "true");
  try {
    await follow(signal, async () => {
      place.replaceChildren(...[await load()].flat().filter(Boolean));
      return "over";
    });
  } catch (error) {
    place.replaceChildren(problemNote(error));
  }
  place.removeAttribute("aria-busy");
}

/** A problem, as the app words it. */
function problemNote(error) {
  if (!(error instanceof Problem)) throw error;
  return h("div", { class: "alert", role: "alert" },
    h("strong", {}, error.title), error.code && h("code", {}, error.code), h("p", {}, error.message));
}

/** A form that sends: its button is busy meanwhile, and what goes wrong stands below it. */
function sending(form, send) {
  const outcome = h("div", { class: "outcome" });
  form.append(outcome);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    outcome.replaceChildren();
    try {
      await send(new FormData(form), event.submitter);
    } catch (error) {
      if (error.name !== "AbortError") outcome.replaceChildren(problemNote(error));
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
  return form;
}
