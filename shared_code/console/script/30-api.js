// The one way to the API. Keys are kept for this tab alone, and travel in a header, never in an address.

const API = new URL(".", location.href).pathname;
const KEPT = "console.keys";
const EVERYTHING = "everything";
const APPROVALS = "approvals";
const PROMOTIONS = "promotions";
const PURPOSES = {
  [EVERYTHING]: "A function key of this app. It is kept until this tab is closed.",
  [APPROVALS]: "Approving has a key of its own, that of the function approve-function.",
  [PROMOTIONS]:
    "The key that is known may not make a version live: that has a key of its own, of promote-version-function.",
};
const NO_KEY = { title: "No key", detail: "The app asks for a function key." };
// Nobody answered, or somebody on the way did.
const PASSING = new Set([0, 502, 503, 504]);

/** An answer that says what is wrong, as problem+json has it; status 0 if there was no answer. */
class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? body.title ?? `The app answered ${status}.`);
    Object.assign(this, { status, body, title: body.title ?? "Error", code: body.code ?? "", retryAfter });
  }

  get passes() {
    return PASSING.has(this.status);
  }
}

const keys = {
  all: () => JSON.parse(sessionStorage.getItem(KEPT) ?? "{}"),
  of: (purpose) => keys.all()[purpose] ?? keys.all()[EVERYTHING],
  keep(purpose, key) {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...keys.all(), [purpose]: key }));
    document.getElementById("forget").hidden = false;
  },
  forget() {
    sessionStorage.removeItem(KEPT);
    document.getElementById("forget").hidden = true;
  },
};

/**
 * Asks the API, and asks for a key where the API does.
 * Returns { status, body, headers }; throws a Problem for whatever is no success, and an AbortError at a signal.
 */
async function api(
  path,
  { method = "GET", query = {}, body, headers = {}, purpose = EVERYTHING, signal } = {},
) {
  for (;;) {
    const key = keys.of(purpose);
    const answer = await exchange(path, {
      method,
      query,
      body,
      signal,
      headers: { ...headers, ...(key ? { "x-functions-key": key } : {}) },
    });
    if (!(answer instanceof Problem)) {
      if (method !== "GET") dispatchEvent(new Event(ACTED));
      return answer;
    }
    if (!asksForKey(answer)) throw answer;
    // Another request may have been given one meanwhile.
    if (keys.of(purpose) === key && !(await askForKey(purpose, Boolean(key)))) throw answer;
  }
}

async function exchange(path, { method, query, body, headers, signal }) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== "" && value !== null && value !== undefined,
  );
  const search = given.length ? `?${new URLSearchParams(given)}` : "";
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(`${API}${path}${search}`, {
      method,
      headers: { ...headers, ...type },
      ...sent,
      signal,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    return new Problem(0, {
      title: "No answer",
      detail: "The app does not answer, or this device is offline.",
    });
  }
  const read = await response.json().catch(() => (response.status === 401 ? NO_KEY : {}));
  if (response.ok) return { status: response.status, body: read, headers: response.headers };
  return new Problem(response.status, read, Number(response.headers.get("Retry-After")) || 0);
}

/** The host refuses a key without a word; a problem of the app has a code. */
const asksForKey = (problem) => (problem.status === 401 || problem.status === 403) && !problem.code;

const asking = new Map();

/** Asks for a key, once for all requests that lack it; whether there is one now. */
function askForKey(purpose, wasRefused) {
  if (!asking.has(purpose))
    asking.set(
      purpose,
      enterKey(purpose, wasRefused).finally(() => asking.delete(purpose)),
    );
  return asking.get(purpose);
}

async function enterKey(purpose, wasRefused) {
  const input = h("input", { type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const body = [
    wasRefused ? h("p", { class: "alert", role: "alert" }, "The app refused the key.") : null,
    field("Function key", input, PURPOSES[purpose]),
  ];
  const key = await ask("Key", body.filter(Boolean), {
    action: "Use this key",
    answer: () => input.value.trim(),
  });
  if (!key) return false;
  keys.keep(purpose, key);
  return true;
}

/** A name for one request, so that sending it again finds its job instead of starting another one. */
const requestName = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Every page of a list, one after the other. */
async function* pages(path, member, { query = {}, signal } = {}) {
  let after = "";
  do {
    const { body } = await api(path, { query: { ...query, after }, signal });
    yield body[member];
    after = body.next;
  } while (after);
}
