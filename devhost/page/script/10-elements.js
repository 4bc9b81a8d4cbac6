// Elements are made here and nowhere else. Names, ids and values come from outside: they are only ever text, or
// the value of an attribute, and so never markup.

/** An element: h("p", { class: "note", onclick: act }, "text", child). What is null or false is left out. */
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) setProperty(element, name, value);
  element.append(...children.flat(Infinity).filter(isShown).map(asNode));
  return element;
}

const isShown = (child) => child !== null && child !== undefined && child !== false;
const asNode = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));

function setProperty(element, name, value) {
  if (!isShown(value)) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "style") Object.assign(element.style, value);
  else if (name === "value") element.value = value;
  else if (name === "href" && !value.startsWith("#/")) throw new Error(`${value} is no screen of this page`);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Puts rows in place by their keys. A row whose data are the same stays, and with it the focus within. */
function keep(parent, rows) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = document.activeElement;
  const focusKey = parent.contains(focused) ? focused.closest("[data-key]")?.dataset.key : undefined;
  const elements = rows.map(({ key, data, make }) => {
    const print = JSON.stringify(data);
    const old = known.get(key);
    if (old?.print === print) return old;
    const made = make();
    made.dataset.key = key;
    made.print = print;
    return made;
  });
  const same =
    elements.length === parent.children.length && elements.every((each, at) => each === parent.children[at]);
  if (same) return;
  parent.replaceChildren(...elements);
  if (focusKey !== undefined && !parent.contains(document.activeElement)) {
    const row = elements.find((each) => each.dataset.key === focusKey);
    row?.querySelector(focused.matches("button") ? "button" : "a, button")?.focus({ preventScroll: true });
  }
}

let fieldCount = 0;

/** A labelled field; `hint` says what is meant. */
function field(label, control, hint) {
  control.id ||= `field-${++fieldCount}`;
  if (hint) control.setAttribute("aria-describedby", `${control.id}-hint`);
  return h(
    "div",
    { class: control.type === "checkbox" ? "field check" : "field" },
    h("label", { for: control.id }, label),
    control,
    hint && h("small", { id: `${control.id}-hint` }, hint),
  );
}

/** A choice; an option is its value, or a pair of value and label. */
function choice(name, options, chosen) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const select = h(
    "select",
    { name },
    pairs.map(([value, label]) => h("option", { value }, label)),
  );
  select.value = pairs.some(([value]) => value === chosen) ? chosen : (pairs[0]?.[0] ?? "");
  return select;
}

const textArea = (name, value, rows = 5) =>
  h("textarea", { name, rows, value, spellcheck: "false", autocapitalize: "none" });

const button = (label, onclick, kind = "") => h("button", { type: "button", class: kind, onclick }, label);

/** Pairs of a term and what it is; pairs without a value are left out. */
function facts(...pairs) {
  const shown = pairs.filter(([, value]) => isShown(value) && value !== "");
  return h(
    "dl",
    { class: "facts" },
    shown.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
  );
}

const panel = (title, ...children) =>
  h("section", { class: "panel" }, title && h("h2", {}, title), ...children);
const alertNote = (title, ...children) =>
  h(
    "div",
    { class: "alert", role: "alert" },
    h("strong", {}, title),
    children.length > 0 && h("p", {}, ...children),
  );
const emptyNote = (...sentence) => h("p", { class: "empty" }, ...sentence);

/** Read aloud, without moving the focus. */
function announce(sentence) {
  const announcer = document.getElementById("announcer");
  if (announcer.textContent !== sentence) announcer.textContent = sentence;
}

/**
 * Asks in a dialog. `act` is given the data of the form; while it works the dialog stays, and if it fails the dialog
 * says why. Resolves with what `act` gives, or with undefined if the dialog was closed.
 */
function ask(title, body, { action, danger = false, act }) {
  return new Promise((resolve) => {
    let answer;
    const form = sending(
      h(
        "form",
        {},
        h("h2", { id: "dialog-title" }, title),
        ...[body].flat(),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "submit", class: danger ? "danger" : "primary" }, action),
          button("Close", () => dialog.close()),
        ),
      ),
      async (data) => {
        answer = (await act(data)) ?? true;
        dialog.close();
      },
    );
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A form that sends: it is busy meanwhile, and what goes wrong stands below it. */
function sending(form, send) {
  const outcome = h("div", { class: "outcome" });
  form.append(outcome);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    outcome.replaceChildren();
    try {
      await send(new FormData(form));
    } catch (error) {
      outcome.replaceChildren(problemNote(error));
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
  return form;
}
