// Which screen is shown follows from the address behind the #; what is there is taken for text, like anything else.

const SCREENS = {
  jobs: jobsScreen,
  start: startScreen,
  search: searchScreen,
  versions: versionsScreen,
  usage: usageScreen,
};
const SHORTCUTS = { __proto__: null, j: "jobs", s: "start", q: "search", v: "versions", u: "usage" };

const go = (target) => {
  if (location.hash === target) route();
  else location.hash = target;
};

function address(screen, query = {}) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return `#/${screen}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

/** Environments that were met on the way; the API has no list of them. */
const environments = {
  known: new Set(JSON.parse(sessionStorage.getItem("console.environments") ?? "[]")),
  last: () => [...environments.known].at(-1) ?? "",
};

function remember(env) {
  if (!env || environments.last() === env) return;
  environments.known.delete(env);
  environments.known.add(env);
  sessionStorage.setItem("console.environments", JSON.stringify([...environments.known].slice(-50)));
  document
    .getElementById("environments")
    .replaceChildren(...[...environments.known].map((value) => h("option", { value })));
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

let shownScreen = new AbortController();
let isFirst = true;
let wantsSearch = false;

function route() {
  if (!location.hash.startsWith("#/"))
    return location.hash === "#main" ? focusMain() : location.replace("#/jobs");
  shownScreen.abort();
  shownScreen = new AbortController();
  connection.restored();
  const [path, search = ""] = location.hash.slice(2).split(/\?(.*)/s);
  const [name, ...rest] = path.split("/").filter(Boolean).map(decoded);
  const screen =
    name === "jobs" && rest.length ? jobScreen : Object.hasOwn(SCREENS, name) ? SCREENS[name] : lostScreen;
  const { title, heading, content } = screen({
    path: rest,
    query: Object.fromEntries(new URLSearchParams(search)),
    signal: shownScreen.signal,
  });
  document.title = `${title} · Console`;
  const main = document.getElementById("main");
  main.replaceChildren(h("h1", { tabindex: -1 }, heading ?? title), ...[content].flat());
  markCurrent(name);
  if (!isFirst) ((wantsSearch && main.querySelector("[data-search]")) || main.querySelector("h1")).focus();
  isFirst = wantsSearch = false;
}

const lostScreen = () => ({ title: "Not found", content: h("p", {}, "There is no such screen.") });
const focusMain = () => document.getElementById("main").focus();

function markCurrent(name) {
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

// Keyboard: / to search, g and a letter to go to a screen. Whoever types is left alone.
let wentBefore = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    const box = document.querySelector("[data-search]");
    wantsSearch = !box;
    if (box) box.focus();
    else go("#/search");
  } else if (event.key === "g") wentBefore = event.timeStamp;
  else if (SHORTCUTS[event.key] && event.timeStamp - wentBefore < 1_500) go(`#/${SHORTCUTS[event.key]}`);
});

document.getElementById("forget").addEventListener("click", () => {
  keys.forget();
  announce("The key is forgotten.");
  route();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  focusMain();
});
document.getElementById("forget").hidden = !keys.of(EVERYTHING);
remember(environments.last());
document
  .getElementById("environments")
  .replaceChildren(...[...environments.known].map((value) => h("option", { value })));
addEventListener("hashchange", route);
route();
