// What went over the wire: every request and answer of this page, kept for the tab's life and shown newest first.

const KEPT = "valet-demo.wire";
const MOST = 60;

const entries = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");

/** Sends a request and writes both halves down. `form` becomes the body; `why` is the entry's sentence. */
export async function exchange(method, url, { headers = {}, form, why, quiet = false } = {}) {
  const sent = performance.now();
  const response = await fetch(url, {
    method,
    headers,
    body: form ? new URLSearchParams(form) : undefined,
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
  });
  const text = await response.text();
  const body = parsed(text);
  const entry = {
    method,
    url: String(url),
    why,
    request: { headers, form: form ?? null },
    status: response.status,
    milliseconds: Math.round(performance.now() - sent),
    response: { headers: shownHeaders(response.headers), body },
  };
  if (!quiet) {
    write(entry);
  }
  return { status: response.status, headers: response.headers, body, entry };
}

/** Writes an entry down: an exchange, a `navigation` of the browser with its `parameters`, or a mere `why`. */
export function write(entry) {
  entries.unshift({ ...entry, at: Date.now() });
  entries.length = Math.min(entries.length, MOST);
  sessionStorage.setItem(KEPT, JSON.stringify(entries));
  show();
}

export function clear() {
  entries.length = 0;
  sessionStorage.removeItem(KEPT);
  show();
}

export function show() {
  document.getElementById("wire-empty").hidden = entries.length > 0;
  document.getElementById("log").replaceChildren(...entries.map((entry, index) => item(entry, index === 0)));
}

/** An element with properties, attributes (`data-…`, `class`) and children; text is always text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
}

/** A status with its colour; the number itself says the same to those who see none. */
export function statusClass(status) {
  return status < 300 ? "status good" : status < 400 ? "status" : "status bad";
}

function item(entry, isOpen) {
  const { pathname } = new URL(entry.url, location.href);
  const summary = element("summary", {}, element("b", {}, entry.method), " ", element("span", { class: "path" }, pathname));
  if (entry.status) {
    summary.append(" ", element("span", { class: statusClass(entry.status) }, String(entry.status)));
  }
  const details = element("details", {}, summary);
  details.open = isOpen;
  if (entry.why) {
    details.append(element("p", {}, entry.why));
  }
  if (entry.navigation) {
    details.append(block(entry.navigation, entry.parameters));
  } else {
    details.append(block("Request headers", entry.request.headers));
    details.append(block("Request body", entry.request.form));
    details.append(block(`Answer after ${entry.milliseconds} ms`, entry.response.headers));
    details.append(block("Answer body", entry.response.body));
  }
  return element("li", {}, details);
}

function block(title, values) {
  if (values === null || values === undefined || values === "" || Object.keys(values).length === 0) {
    return "";
  }
  const text = typeof values === "string" ? values : lines(values);
  return element("div", { class: "block" }, element("h3", {}, title), element("pre", { tabindex: "0" }, text));
}

function lines(values) {
  return Object.entries(values)
    .map(([name, value]) => `${name}: ${shortened(typeof value === "string" ? value : JSON.stringify(value))}`)
    .join("\n");
}

// Tokens are long and their middle tells nothing; "Look at the tokens" has them whole.
function shortened(text) {
  return text.length > 120 ? `${text.slice(0, 56)} … ${text.slice(-16)} (${text.length} characters)` : text;
}

function shownHeaders(headers) {
  const told = ["content-type", "cache-control", "www-authenticate", "dpop-nonce", "etag", "retry-after", "allow"];
  return Object.fromEntries(told.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
