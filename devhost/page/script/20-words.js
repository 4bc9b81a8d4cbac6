// How values are written: times, spans and JSON.

const STATUSES = ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"];
const ENDED = new Set(["Completed", "Failed", "Terminated"]);

const hasEnded = (instance) => ENDED.has(instance.status);
const badge = (status) => h("span", { class: `badge ${String(status).toLowerCase()}` }, status);
const number = (value) => Number(value).toLocaleString("en");

/** A span as the commands write it. */
function span(milliseconds) {
  const value = Math.max(0, milliseconds);
  if (value < 1_000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(value / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor(value / 1_000) % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function clock(text) {
  const date = new Date(text);
  const hours = date.toLocaleTimeString("en-GB");
  if (date.toDateString() === new Date().toDateString()) return hours;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${hours}`;
}

/** A time, with its exact form for whoever points at it. */
const time = (text) => (text ? h("time", { datetime: text, title: text }, clock(text)) : null);

/** When something is due, or was. */
function fromNow(text) {
  const left = new Date(text) - Date.now();
  return left >= 0 ? `in ${span(left)}` : `${span(-left)} ago`;
}

const tookOf = (instance) =>
  (hasEnded(instance) ? Date.parse(instance.updatedAt) : Date.now()) - Date.parse(instance.createdAt);

/** The value of a JSON text; of a text that is none, the text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A value as people read it. The SDK encodes what it hands over twice, so texts that hold JSON are opened. */
function opened(value) {
  if (typeof value !== "string" || !/^\s*[[{"]/.test(value)) return value;
  const inner = parsed(value);
  return inner === value ? value : opened(inner);
}

const written = (value) => (typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? ""));

/** A value on one line. */
const line = (value, longest = 200) =>
  (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, longest).replace(/\s+/g, " ");
