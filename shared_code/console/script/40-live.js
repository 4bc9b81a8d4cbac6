// What is shown is kept up to date: one request at a time, less often while nothing changes, none in a hidden tab.

const LONGEST_PAUSE = 30_000;
const LONGEST_RETRY = 60_000;
const GROWTH = 1.5;
/** Told when something was decided here: what is shown is looked at again at once. */
const ACTED = "acted";

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

const sleep = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });

/**
 * Calls `load` again and again until the signal; it answers "changed", "same" or "over". The pause between two
 * calls grows while nothing changes; while nobody answers, the page says so and asks again.
 *
 * `load` is given a signal of its own and `wait`: the seconds for which the API may wait for an end instead of
 * the page, once nothing changes; 0 as long as there is something to see, since waiting costs the app more.
 */
async function follow(signal, load, { first = 1_000, waits = false } = {}) {
  let pause = first;
  while (!signal.aborted) {
    await seen(signal);
    const round = new AbortController();
    const act = () => round.abort();
    addEventListener(ACTED, act, { once: true });
    signal.addEventListener("abort", act, { once: true });
    const wait = waits && pause >= LONGEST_PAUSE ? LONGEST_PAUSE / 1_000 : 0;
    try {
      const outcome = await load({ signal: round.signal, wait });
      connection.restored();
      if (outcome === "over") return;
      pause = outcome === "changed" ? first : Math.min(pause * GROWTH, LONGEST_PAUSE);
      if (!wait || outcome === "changed") await sleep(pause, round.signal);
    } catch (error) {
      if (!round.signal.aborted) {
        if (!(error instanceof Problem) || !error.passes) throw error;
        pause = error.retryAfter
          ? Math.min(error.retryAfter * 1_000, LONGEST_RETRY)
          : Math.min(pause * GROWTH, LONGEST_PAUSE);
        connection.lost(error, pause);
        await sleep(pause, round.signal);
      }
    } finally {
      removeEventListener(ACTED, act);
      signal.removeEventListener("abort", act);
    }
    if (round.signal.aborted) pause = first;
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
    await follow(signal, async (round) => {
      place.replaceChildren(...[await load(round.signal)].flat().filter(Boolean));
      return "over";
    });
  } catch (error) {
    place.replaceChildren(...screenProblem(error));
  }
  place.removeAttribute("aria-busy");
}

/** A problem, as the app words it. */
function problemNote(error) {
  if (!(error instanceof Problem)) throw error;
  return h(
    "div",
    { class: "alert", role: "alert" },
    h("strong", {}, error.title),
    error.code && h("code", {}, error.code),
    h("p", {}, error.message),
  );
}

/** The same in place of a screen, with a way on. */
const screenProblem = (error) => [
  problemNote(error),
  h("button", { type: "button", onclick: route }, asksForKey(error) ? "Enter a key" : "Try again"),
];

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
