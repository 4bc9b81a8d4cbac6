// Entities with what they hold, and a form to ask one for an operation.

const TOKEN = "x-ms-continuation-token";
const ENTITIES_OF_A_PAGE = 50;

function entitiesScreen({ query, signal }) {
  const place = h("div");
  const load = async () => {
    const { body, headers } = await api(`${MANAGEMENT}entities/${query.name ? part(query.name) : ""}`, {
      query: { fetchState: "true", top: ENTITIES_OF_A_PAGE },
      headers: query.after ? { [TOKEN]: query.after } : {},
      signal,
    });
    const next = headers.get(TOKEN);
    return { print: JSON.stringify([body, next]), make: () => [entityList(body), entityPager(query, next)] };
  };
  const search = h("input", {
    type: "search",
    name: "name",
    value: query.name ?? "",
    "data-search": true,
    spellcheck: "false",
    autocapitalize: "none",
  });
  const filters = h(
    "form",
    { class: "filters", role: "search" },
    field("Name", search),
    h("button", { type: "submit" }, "Show"),
    button("Ask an entity", () => signalEntity("", "")),
  );
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    go(address("entities", { name: search.value.trim() }));
  });
  return { title: "Entities", content: [filters, live(place, signal, load)] };
}

const entityList = (entities) =>
  entities.length ? entities.map(entityPanel) : emptyNote("No entity holds a state.");

function entityPanel({ entityId: { name, key }, lastOperationTime, state }) {
  return h(
    "section",
    { class: "panel entity" },
    h(
      "div",
      { class: "lead" },
      h("h2", {}, h("bdi", {}, name), " ", h("code", {}, key)),
      h("small", {}, time(lastOperationTime)),
      button("Ask it", () => signalEntity(name, key), "quiet"),
      h("a", { href: `#/instances/${part(`@${name}@${key}`)}` }, "History"),
    ),
    valueView("State", state),
  );
}

const entityPager = ({ name, after }, next) =>
  (after || next) &&
  h(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    after && h("a", { class: "button", href: address("entities", { name }) }, "First"),
    next && h("a", { class: "button", href: address("entities", { name, after: next }) }, "More"),
  );

async function signalEntity(name, key) {
  const plain = { required: true, spellcheck: "false", autocapitalize: "none" };
  const done = await ask(
    "Ask an entity",
    [
      field("Entity", h("input", { name: "name", value: name, ...plain })),
      field("Key", h("input", { name: "key", value: key, ...plain })),
      field("Operation", h("input", { name: "operation", ...plain })),
      field("Input", textArea("input", "", 3), "JSON; may be empty"),
    ],
    {
      action: "Ask",
      act: (data) => {
        const path = `${MANAGEMENT}entities/${part(data.get("name").trim())}/${part(data.get("key"))}`;
        const body = asSdk(typedJson(data.get("input"), "The input"));
        return api(path, { method: "POST", query: { op: data.get("operation").trim() }, body });
      },
    },
  );
  if (done) announce("The operation is on its way.");
}
