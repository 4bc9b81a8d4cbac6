// Which screen is shown follows from the address behind the #; what is there is taken for text, like anything else.

const SCREENS = {
  __proto__: null,
  instances: { label: "Instances", key: "i", show: instancesScreen },
  start: { label: "Start", key: "s", show: startScreen },
  functions: { label: "Functions", key: "f", show: functionsScreen },
  queues: { label: "Queues", key: "q", show: queuesScreen },
  timers: { label: "Timers", key: "t", show: timersScreen },
  entities: { label: "Entities", key: "e", show: entitiesScreen },
  file: { label: "History file", key: "h", show: fileScreen },
};
const offered = Object.entries(SCREENS).filter(([name]) => hasHost || name === "file");
const FIRST = `#/${offered[0][0]}`;

const go = (target) => {
  if (location.hash === target) route();
  else location.hash = target;
};

function address(screen, query = {}) {
  const given = Object.entries(query).filter(([, value]) => isShown(value) && value !== "");
  return `#/${screen}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

let screenShown = new AbortController();
let isFirst = true;

function route() {
  if (location.hash === "#main") return focusMain();
  if (!location.hash.startsWith("#/")) return location.replace(FIRST);
  screenShown.abort();
  screenShown = new AbortController();
  connection.restored();
  const [path, search = ""] = location.hash.slice(2).split(/\?(.*)/s);
  const [name, ...rest] = path.split("/").filter(Boolean).map(decoded);
  const known = offered.find(([each]) => each === name)?.[1];
  const show = name === "instances" && rest.length && known ? instanceScreen : (known?.show ?? lostScreen);
  const query = Object.fromEntries(new URLSearchParams(search));
  const { title, heading, content } = show({ path: rest, query, signal: screenShown.signal });
  document.title = `${title} · devhost`;
  const main = document.getElementById("main");
  main.replaceChildren(h("h1", { tabindex: -1 }, heading ?? title), ...[content].flat(Infinity));
  markCurrent(name);
  if (!isFirst) main.querySelector("h1").focus();
  isFirst = false;
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
let wentBefore = -Infinity;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const target = offered.find(([, { key }]) => key === event.key);
  if (event.key === "/") {
    document.querySelector("[data-search]")?.focus();
    event.preventDefault();
  } else if (event.key === "g") wentBefore = event.timeStamp;
  else if (target && event.timeStamp - wentBefore < 1_500) go(`#/${target[0]}`);
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  focusMain();
});
document
  .querySelector("header nav")
  .append(...offered.map(([name, { label }]) => h("a", { href: `#/${name}` }, label)));
document
  .querySelector(".foot")
  .append(
    ...["/", " search  ", "g", " then "].map((text, at) => (at % 2 ? text : h("kbd", {}, text))),
    ...offered.flatMap(([, { key, label }]) => [h("kbd", { title: label }, key), " "]),
    "go to a screen",
  );
addEventListener("hashchange", route);
route();
