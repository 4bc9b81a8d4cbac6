// What is shown is kept up to date: one request at a time, less often while nothing changes, none in a hidden tab.

const SHORTEST_PAUSE = 1_000;
const LONGEST_PAUSE = 4_000;
const GROWTH = 1.3;

/** Resolves when the tab is seen. */
function seen(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => (document.hidden && !signal.aborted ? undefined : resolve());
    document.addEventListener("visibilitychange", look, { signal });
    signal.addEventListener("abort", look, { once: true });
  });
}

/** Resolves after a while, or when something was done here, or at the signal. */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    addEventListener(ACTED, end, { once: true, signal });
    signal.addEventListener("abort", end, { once: true });
  });
}

/** Calls `load` again and again until the signal; it says whether something has changed. */
async function follow(signal, load, { first = SHORTEST_PAUSE, longest = LONGEST_PAUSE } = {}) {
  let wait = first;
  while (!signal.aborted) {
    await seen(signal);
    if (signal.aborted) return;
    try {
      const changed = await load();
      connection.restored();
      wait = changed ? first : Math.min(wait * GROWTH, longest);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem) || error.status !== 0) throw error;
      connection.lost(error);
    }
    await pause(wait, signal);
  }
}

/** The line that says that the host does not answer. */
const connection = {
  lost(problem) {
    const note = document.getElementById("connection");
    note.textContent = problem.message;
    note.hidden = false;
  },
  restored() {
    document.getElementById("connection").hidden = true;
  },
};

/** Shows in a place what `load` makes, and again whenever what it asked has changed, or what is wrong. */
function live(place, signal, load, pauses) {
  let before;
  const show = async () => {
    const { print, make } = await load();
    place.removeAttribute("aria-busy");
    if (print === before) return false;
    before = print;
    place.replaceChildren(...[make()].flat(Infinity).filter(isShown));
    return true;
  };
  place.setAttribute("aria-busy", "true");
  follow(signal, show, pauses).catch((error) => place.replaceChildren(problemNote(error)));
  return place;
}
