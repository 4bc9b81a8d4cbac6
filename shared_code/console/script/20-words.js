// How values are written: numbers, times, and what a job is doing, in words.

const KINDS = {
  __proto__: null,
  "audit-query": "Audit query",
  "embed-files": "Embedding",
  "embed-event": "Live event",
  evaluate: "Evaluation",
};
const STATUSES = ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated", "Canceled"];
const ENDED = new Set(["Completed", "Failed", "Terminated", "Canceled"]);
const PHASES = {
  __proto__: null,
  pending: "Not begun yet",
  listing: "Comparing files with the index",
  reading: "Reading",
  counting: "Counting",
  fetching: "Looking the event up",
  embedding: "Embedding",
  asking: "Asking the golden questions",
  deleting: "Taking out files that are gone",
  waiting: "Waiting",
  "awaiting-approval": "Waiting for an approval",
  watching: "Waiting for the next round",
  held: "Held at the budget",
  estimated: "Estimated",
  done: "Done",
  failed: "Failed",
  canceled: "Cancelled",
};
const UNITS = {
  __proto__: null,
  "audit-query": "windows",
  "embed-files": "files",
  "embed-event": "events",
  evaluate: "questions",
};
const LABEL = "[A-Za-z0-9]([A-Za-z0-9._\\-]{0,30}[A-Za-z0-9])?";
const IS_LABEL = new RegExp(`^${LABEL}$`, "v");
const IS_JOB_ID = /^[0-9a-f]{32}$/;

const number = (value) => Number(value).toLocaleString("en");

/** An amount in the currency of the price, which the API does not name. */
function amount(value) {
  const digits =
    value === 0 || Math.abs(value) >= 1 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 3 };
  return Number(value).toLocaleString("en", digits);
}

function bytes(value) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${size.toLocaleString("en", { maximumFractionDigits: unit ? 1 : 0 })} ${units[unit]}`;
}

const share = (value) =>
  Number(value).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

function moment(text) {
  const date = new Date(text);
  const today = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return today
    ? time
    : `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${time}`;
}

/** A time, with its exact form for whoever points at it. */
const time = (text) => (text ? h("time", { datetime: text, title: text }, moment(text)) : null);

function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48
    ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min`
    : `${Math.floor(hours / 24)} days`;
}

const kindOf = (job) => KINDS[job.kind] ?? job.kind ?? "Job";
const shortId = (id) => id.slice(0, 8);
const hasCounts = ({ total, phase }) => total > 0 && phase !== "estimated";
const done = ({ completed, failed }) => completed + failed;

/** How a job stands, in a few words. */
function phaseOf(job) {
  const { phase, estimate } = job.progress;
  if (phase === "estimated" && estimate)
    return `Dry run: about ${amount(estimate.cost)} for ${number(estimate.files)} files`;
  if (ENDED.has(job.status)) return job.error ? job.error.code : (PHASES[phase] ?? phase);
  return phase === "waiting"
    ? `Waiting for ${job.progress.waiting?.service ?? "a service"}`
    : (PHASES[phase] ?? phase);
}

/** What a job waits for: a sentence, and the times that matter. Null if it does not wait. */
function waitOf(job) {
  const { phase, waiting, held, approval, watch } = job.progress;
  if (ENDED.has(job.status)) return null;
  if (waiting) {
    return {
      title: `Waits for ${waiting.service}`,
      code: waiting.code,
      sentence: waiting.message,
      since: waiting.since,
      next: waiting.nextTry,
      whenUnknown: "It goes on by itself once that is done; nobody knows when.",
    };
  }
  if (held)
    return {
      title: "Held at the budget",
      code: held.code,
      sentence: held.message,
      whenUnknown: "It asks again every few minutes, and goes on by itself.",
    };
  if (phase === "awaiting-approval" && approval) {
    return {
      title: "Waits for an approval",
      sentence: `Its estimate is above ${amount(approval.above)}: somebody has to approve it before it spends anything. Without a decision it fails at the time below.`,
      until: approval.expiresAt,
    };
  }
  if (phase === "watching" && watch?.next)
    return {
      title: "Waits for the next round",
      sentence: `Round ${watch.next.round} begins at the time below.`,
      next: watch.next.at,
    };
  if (phase === "pending")
    return { title: "Not begun yet", sentence: "The host is about to begin it.", whenUnknown: "" };
  return null;
}

const badge = (status) => h("span", { class: `badge ${status.toLowerCase()}` }, status);

/** How far a job is; of what has no total yet, only that it moves. */
function bar(progress, label, total = progress.total) {
  const part = (count) => (total ? (100 * count) / total : 0);
  return h(
    "div",
    {
      class: "bar",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": total || null,
      "aria-valuenow": total ? done(progress) : null,
    },
    h("span", { class: "done", "width%": part(progress.completed) }),
    h("span", { class: "failed", "width%": part(progress.failed) }),
  );
}

/** Where in its source a text stands. */
function placeOf(position) {
  if (!position || typeof position !== "object") return "";
  return Object.entries(position)
    .map(([what, where]) => `${what} ${where}`)
    .join(" · ");
}
