// Elements are made here and nowhere else. What comes from outside is only ever text or the value of an
// attribute, so no name of a file and no sentence of a ledger can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("p", { class: "note", onclick: act }, "text", child). Null children are left out. */
function h(tag, properties = {}, ...children) {
  return dressed(document.createElement(tag), properties, children);
}

/** The same for a drawing. */
function svg(tag, properties = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), properties, children);
}

function dressed(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) dress(element, name, value);
  element.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map(asNode),
  );
  return element;
}

function dress(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "href") element.setAttribute("href", insideThePage(value));
  else if (name === "value") element.value = value;
  else if (name === "width%") element.style.inlineSize = `${Math.max(0, Math.min(100, value))}%`;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/** A link leads to another screen of this page, and to nothing else. */
function insideThePage(target) {
  if (!target.startsWith("#/")) throw new Error(`${target} is no screen of the console`);
  return target;
}

/** Shows items by their keys. What has not changed stays as it is, and with it the focus within. */
function patch(parent, items, keyOf, make) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const print = JSON.stringify(item);
    const old = known.get(key);
    if (old?.print === print) return old;
    const made = make(item);
    made.dataset.key = key;
    made.print = print;
    return made;
  });
  const focused = document.activeElement?.closest?.("[data-key]");
  const key = focused && parent.contains(focused) ? focused.dataset.key : null;
  if (
    wanted.length !== parent.children.length ||
    wanted.some((child, index) => child !== parent.children[index])
  ) {
    parent.replaceChildren(...wanted);
    if (key)
      wanted
        .find((child) => child.dataset.key === key)
        ?.querySelector("a, button")
        ?.focus({ preventScroll: true });
  }
}

/** A labelled field. `hint` says what is meant. */
function field(label, control, hint = "") {
  const id = (control.id ||= `field-${++fields}`);
  const hintId = `${id}-hint`;
  if (hint) control.setAttribute("aria-describedby", hintId);
  return h(
    "div",
    { class: control.type === "checkbox" ? "field check" : "field" },
    h("label", { for: id }, label),
    control,
    hint && h("small", { id: hintId }, hint),
  );
}
let fields = 0;

function choice(name, options, chosen) {
  const select = h(
    "select",
    { name },
    options.map(([value, label]) => h("option", { value }, label)),
  );
  select.value = options.some(([value]) => value === chosen) ? chosen : options[0][0];
  return select;
}

function environmentField(value, properties = {}) {
  const input = h("input", {
    name: "env",
    list: "environments",
    value: value ?? "",
    autocapitalize: "none",
    spellcheck: "false",
    ...properties,
  });
  return field("Environment", input);
}

/** Pairs of a term and what it is; pairs without a value are left out. */
function facts(...pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return shown.length
    ? h(
        "dl",
        { class: "facts" },
        shown.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
      )
    : null;
}

function panel(title, ...children) {
  return h("section", { class: "panel" }, h("h2", {}, title), ...children);
}

/** Read aloud, without moving the focus. */
function announce(sentence) {
  const announcer = document.getElementById("announcer");
  if (announcer.textContent !== sentence) announcer.textContent = sentence;
}

/** Asks in a dialog; resolves with what `answer` makes of its form, or with null if it is closed. */
function ask(title, body, { action, danger = false, answer = () => true }) {
  return new Promise((resolve) => {
    const form = h(
      "form",
      { novalidate: false },
      h("h2", { id: "dialog-title" }, title),
      ...[body].flat(),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: danger ? "danger" : "primary" }, action),
        h("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      ),
    );
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    let answered = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answered = answer(form);
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answered);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
