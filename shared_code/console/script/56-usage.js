// What an environment has used, month by month, and what is left of its budget.

const CHART = { height: 220, left: 44, right: 4, top: 20, bottom: 28 };
const NARROW_MONTH = 34;

function usageScreen({ path: [env], signal }) {
  const place = h("div");
  showOfEnvironment(env, place, signal, async (round) =>
    usagePanels((await api(`usage/${env}`, { signal: round })).body),
  );
  return { title: "Usage", content: [environmentForm("usage", env), place] };
}

function usagePanels(usage) {
  remember(usage.env);
  return [
    usage.budget
      ? budgetPanel(usage.budget)
      : h("p", { class: "dim" }, `${usage.env} has no budget: it spends without a limit.`),
    usage.months.length > 0
      ? panel("Cost by month", monthChart(usage), monthTable(usage.months))
      : h("p", { class: "empty" }, `${usage.env} has used nothing in the last twelve months.`),
  ];
}

function budgetPanel(budget) {
  const part = (value) => (budget.amount > 0 ? (100 * value) / budget.amount : 100);
  return panel(
    `Budget of ${monthName(budget.month)}`,
    h("p", { class: "count" }, amount(Math.max(0, budget.left))),
    h("p", { class: "dim" }, `left of ${amount(budget.amount)}`),
    h(
      "div",
      {
        class: "bar budget",
        role: "img",
        "aria-label": `${amount(budget.spent)} spent and ${amount(budget.reserved)} reserved of ${amount(budget.amount)}`,
      },
      h("span", { class: "spent", "width%": part(budget.spent) }),
      h("span", {
        class: "reserved",
        "width%": Math.min(part(budget.reserved), 100 - Math.min(100, part(budget.spent))),
      }),
    ),
    facts(
      ["Spent", amount(budget.spent)],
      ["Reserved by running jobs", amount(budget.reserved)],
      ["Renewed", time(budget.renewsAt)],
    ),
  );
}

function monthName(month) {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString("en-GB", {
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
}

/** The twelve months up to the newest that has any usage, or that the budget is of. */
function lastMonths({ months, budget }) {
  const newest = [budget?.month, ...months.map((each) => each.month)].filter(Boolean).sort().at(-1);
  const [year, month] = newest.split("-").map(Number);
  return Array.from({ length: 12 }, (_, index) =>
    new Date(Date.UTC(year, month - 12 + index, 1)).toISOString().slice(0, 7),
  );
}

function monthChart(usage) {
  const width = Math.max(280, Math.min(980, document.getElementById("main").clientWidth - 80));
  const { height, left, right, top, bottom } = CHART;
  const { budget } = usage;
  const costs = new Map(usage.months.map((each) => [each.month, each.cost]));
  const reservedIn = (month) => (budget?.month === month ? budget.reserved : 0);
  const names = lastMonths(usage);
  const highest = niceTop(
    Math.max(
      ...names.map((month) => (costs.get(month) ?? 0) + reservedIn(month)),
      budgetShown(budget, costs),
    ),
  );
  const y = (value) => height - bottom - ((height - top - bottom) * value) / highest;
  const step = (width - left - right) / names.length;
  const columns = names.map((month, index) => {
    const x = left + index * step + step * 0.18;
    const cost = costs.get(month) ?? 0;
    const reserved = reservedIn(month);
    return svg(
      "g",
      {},
      svg(
        "title",
        {},
        `${monthName(month)}: ${amount(cost)}${reserved ? `, ${amount(reserved)} reserved` : ""}`,
      ),
      svg("rect", { class: "spent", x, width: step * 0.64, y: y(cost), height: y(0) - y(cost), rx: 2 }),
      reserved > 0 &&
        svg("rect", {
          class: "reserved",
          x,
          width: step * 0.64,
          y: y(cost + reserved),
          height: y(cost) - y(cost + reserved),
          rx: 2,
        }),
      (step > NARROW_MONTH || index % 2 === 1) &&
        svg(
          "text",
          { x: x + step * 0.32, y: height - 8, "text-anchor": "middle" },
          new Date(`${month}-01T00:00:00Z`).toLocaleDateString("en-GB", { month: "short", timeZone: "UTC" }),
        ),
    );
  });
  return h(
    "figure",
    { class: "chart" },
    svg(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label": "Cost by month; the table below has the same figures",
      },
      [0, highest / 2, highest].map((value) =>
        svg(
          "g",
          { class: "grid" },
          svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value) }),
          svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, amount(value)),
        ),
      ),
      columns,
      budgetShown(budget, costs) > 0 &&
        svg(
          "g",
          { class: "limit" },
          svg("line", { x1: left, x2: width - right, y1: y(budget.amount), y2: y(budget.amount) }),
          svg(
            "text",
            { x: width - right, y: y(budget.amount) - 5, "text-anchor": "end" },
            `Budget ${amount(budget.amount)}`,
          ),
        ),
    ),
    h(
      "figcaption",
      {},
      h("span", { class: "key spent" }),
      " spent ",
      h("span", { class: "key reserved" }),
      " reserved",
    ),
  );
}

/** The budget, if it can be drawn beside the costs without making them vanish. */
function budgetShown(budget, costs) {
  const most = Math.max(0, ...costs.values());
  return budget && budget.amount <= 20 * most ? budget.amount : 0;
}

/** A round number that is no lower. */
function niceTop(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= value);
}

function monthTable(months) {
  return h(
    "table",
    { class: "figures" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Month", "Cost", "Tokens", "Requests"].map((name) => h("th", { scope: "col" }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      months.map((each) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, monthName(each.month)),
          h("td", {}, amount(each.cost)),
          h("td", {}, number(each.tokens), each.estimated ? ` (${number(each.estimated)} estimated)` : ""),
          h("td", {}, number(each.requests)),
        ),
      ),
    ),
  );
}
