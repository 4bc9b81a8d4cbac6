// Values as people read them: unfolded, to be copied, and to be kept as a file.

const LONGEST_SHOWN = 20_000;

/** A value with its buttons; of a long one the beginning. */
function valueView(title, value, { open = true } = {}) {
  if (!isShown(value)) return null;
  const text = written(opened(value));
  const cut = text.length > LONGEST_SHOWN;
  const shown = h("pre", { tabindex: 0, "aria-label": title }, cut ? text.slice(0, LONGEST_SHOWN) : text);
  return h(
    "details",
    { class: "value", open },
    h("summary", {}, title, " ", h("small", {}, sizeOf(text))),
    h(
      "div",
      { class: "tools" },
      copyButton(text, title),
      button("Download", () => download(fileName(title), text), "quiet"),
    ),
    shown,
    cut &&
      h(
        "p",
        { class: "dim" },
        `${number(text.length - LONGEST_SHOWN)} characters more: copy or download it.`,
      ),
  );
}

const sizeOf = (text) => (text.length < 1_000 ? "" : `${number(text.length)} characters`);
const fileName = (title) => `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.json`;

function copyButton(text, what) {
  const copy = button(
    "Copy",
    async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
      announce(`${what} is copied.`);
    },
    "quiet",
  );
  copy.setAttribute("aria-label", `Copy ${what}`);
  return copy;
}

/** Has the browser keep a text as a file. */
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
