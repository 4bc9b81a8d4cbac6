// A history that was exported to a file, to be looked at without a host. It never leaves the browser.

let fileShown = null;

function fileScreen() {
  const place = h("div");
  const show = (file) => {
    fileShown = file;
    place.replaceChildren(...(file ? fileView(file) : []));
  };
  const picker = h("input", {
    type: "file",
    accept: ".json,application/json",
    onchange: () =>
      picker.files[0] &&
      readFile(picker.files[0]).then(show, (error) => place.replaceChildren(problemNote(error))),
  });
  show(fileShown);
  return {
    title: "History file",
    content: [
      panel(
        "",
        field(
          "A history, written by python -m devhost export ID",
          picker,
          "Or drop it anywhere on this page. It stays in the browser.",
        ),
      ),
      place,
    ],
  };
}

async function readFile(file) {
  const recording = new Recording();
  recording.add(historyOf(await file.text()));
  return { name: file.name, recording };
}

function fileView({ name, recording }) {
  const { start, ending, events } = recording;
  const status = ending?.OrchestrationStatus ?? (ending ? "Terminated" : "Running");
  const view = new HistoryView(recording);
  view.update(Date.parse(events.at(-1).Timestamp));
  return [
    h("h2", {}, h("bdi", {}, start?.Name ?? name)),
    h(
      "p",
      { class: "lead" },
      badge(status),
      h("code", { class: "id" }, start?.OrchestrationInstance?.InstanceId ?? ""),
      h("small", {}, name),
    ),
    facts(
      ["Begun", time(events[0].Timestamp)],
      ["Last event", time(events.at(-1).Timestamp)],
      ["Events", number(events.length)],
    ),
    valueView(status === "Failed" ? "Error" : "Output", ending?.Result ?? ending?.Input),
    valueView("Input", start?.Input),
    view.element,
  ].filter(Boolean);
}

addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", async (event) => {
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  try {
    fileShown = await readFile(file);
    go("#/file");
  } catch (error) {
    await ask("The file cannot be shown", [problemNote(error)], { action: "Understood", act: () => true });
  }
});
