// The one way to the host. The page is served by it, and asks nobody else.

const MANAGEMENT = "/runtime/webhooks/durabletask/";
const ADMIN = "/admin/";
const NOTHING_NEW = 304;
/** Told when something was done here, so that what is shown is looked at again at once. */
const ACTED = "acted";
/** A page that was saved, or printed by a command, has no host to ask. */
const hasHost = location.protocol.startsWith("http");

/** An answer that says what is wrong; status 0 if there was no answer. */
class Problem extends Error {
  constructor(status, body) {
    const said = typeof body === "string" ? body : (body?.ExceptionMessage ?? body?.Message ?? body?.detail);
    super(said || (status ? `The host answered ${status}.` : "The host does not answer: start it again."));
    this.status = status;
  }
}

/** Sends a request to a path of the host, and gives its answer whatever that is; throws if there is none. */
async function send(path, options = {}) {
  try {
    return await fetch(path, {
      cache: "no-store",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
      ...options,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0);
  }
}

/** Asks the host; throws a Problem for whatever is no success. Gives { status, body, headers }. */
async function api(path, { method = "GET", query = {}, body, headers = {}, signal } = {}) {
  const given = Object.entries(query).filter(([, value]) => isShown(value) && value !== "");
  const search = given.length ? `?${new URLSearchParams(given)}` : "";
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await send(path + search, { method, body, signal, headers: { ...headers, ...type } });
  const read = parsed(await response.text());
  if (!response.ok && response.status !== NOTHING_NEW) throw new Problem(response.status, read);
  if (method !== "GET") dispatchEvent(new Event(ACTED));
  return { status: response.status, body: read, headers: response.headers };
}

const part = encodeURIComponent;
const instancePath = (id, operation = "") =>
  `${MANAGEMENT}instances/${part(id)}${operation && `/${operation}`}`;

/** JSON that somebody has typed; an empty text is no value. */
function typedJson(text, what) {
  if (!text.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(400, `${what} is not JSON: ${error.message}. Texts need double quotes.`);
  }
}

/** As the SDK's client sends a value: as the JSON of a JSON text. */
const asSdk = (value) => (value === undefined ? undefined : JSON.stringify(JSON.stringify(value)));

/** A problem in the host's words. */
function problemNote(error) {
  if (!(error instanceof Problem)) throw error;
  return alertNote(error.status === 0 ? "No answer" : "Refused", error.message);
}
