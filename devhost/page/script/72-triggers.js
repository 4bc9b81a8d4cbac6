// What is to run: queues with what is in them, and timers.

// Each look asks the storage five times a queue.
const QUEUES_PAUSES = { first: 3_000, longest: 10_000 };

const queuesScreen = ({ signal }) => ({
  title: "Queues",
  content: live(
    h("div"),
    signal,
    async () => {
      const { body } = await api(`${ADMIN}queues`, { signal });
      return {
        print: JSON.stringify(body),
        make: () => (body.length ? body.map(queuePanel) : emptyNote("No function is run for a queue.")),
      };
    },
    QUEUES_PAUSES,
  ),
});

function queuePanel(queue) {
  return panel(
    queue.queue,
    facts(
      ["Function", h("a", { href: `#/functions/${part(queue.function)}` }, queue.function)],
      ["Storage", queue.connection],
      ["In the queue", queue.problem ? "unknown" : number(queue.waiting)],
      ["In hand", number(queue.inHand)],
      [
        "Given up",
        queue.problem ? "unknown" : h("span", { class: queue.poisoned ? "bad" : "" }, number(queue.poisoned)),
      ],
    ),
    queue.why && !queue.problem && h("p", {}, `${queue.why.sentence} ${queue.why.remedy}`),
    queue.problem && alertNote("The storage does not say", queue.problem),
    queue.first.length > 0 && h("h3", {}, `In ${queue.queue}-poison`),
    queue.first.map((message) => poisonMessage(queue, message)),
  );
}

const poisonMessage = (queue, message) =>
  h(
    "div",
    { class: "poison" },
    h(
      "p",
      { class: "dim" },
      h("code", {}, message.id),
      message.inserted && [" given up ", time(message.inserted)],
    ),
    valueView("Message", message.text),
    h(
      "a",
      { href: `#/functions/${part(queue.function)}?${new URLSearchParams({ input: message.text })}` },
      "Run the function for it again",
    ),
  );

const timersScreen = ({ signal }) => ({
  title: "Timers",
  content: live(h("div"), signal, async () => {
    const { body } = await api(`${ADMIN}timers`, { signal });
    const print = JSON.stringify([body, body.map((timer) => fromNow(timer.next))]);
    return {
      print,
      make: () => (body.length ? timerTable(body) : emptyNote("No function is run by the clock.")),
    };
  }),
});

function timerTable(timers) {
  const heads = ["Function", "Schedule", "Next run", "Last run"].map((name) =>
    h("th", { scope: "col" }, name),
  );
  return h(
    "table",
    { class: "list", "aria-label": "Timers" },
    h("thead", {}, h("tr", {}, heads)),
    h(
      "tbody",
      {},
      timers.map((timer) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, h("a", { href: `#/functions/${part(timer.function)}` }, timer.function)),
          h("td", {}, h("code", {}, timer.schedule)),
          h(
            "td",
            {},
            timer.isRunning ? "runs now" : [time(timer.next), " ", h("small", {}, fromNow(timer.next))],
          ),
          h("td", { class: "dim" }, time(timer.last) ?? "not known"),
        ),
      ),
    ),
  );
}
