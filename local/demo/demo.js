// The click-through page: what its buttons do and what they show. oauth.js speaks the protocol, wire.js writes it down.

import * as oauth from "./oauth.js";
import * as wire from "./wire.js";

const MEANING = {
  iss: "who issued it",
  sub: "whose it is",
  aud: "who may accept it",
  client_id: "the app it was issued to",
  exp: "when it ends",
  iat: "when it was issued",
  nbf: "when it begins",
  jti: "its own number",
  scope: "what you lent the app",
  auth_time: "when you signed in",
  acr: "how surely you signed in",
  amr: "how you signed in",
  roles: "what you are",
  grant_id: "what you allowed, as one thing that can be revoked",
  status: "where to look whether it was revoked",
  nonce: "ties it to this page's request",
  at_hash: "ties it to the access token",
  sid: "which sign-in it belongs to",
  cnf: "the thumbprint of the key it is bound to",
};
const TIMES = new Set(["exp", "iat", "nbf", "auth_time"]);
const WORDS = {
  200: "Let in.",
  204: "Let in: done, and nothing to say.",
  401: "Refused before the API saw it: no token, or not a good one.",
  403: "A good token, but not for this: a scope or a role is missing.",
  404: "Let in, but there is no such thing.",
};
const REVOKED = {
  access_token: "The access token is revoked, whatever its exp says: refresh it.",
  refresh_token: "The grant is revoked, and both tokens with it: sign out, and in again.",
};
const REFUSED_AT_LAST = 8000; // milliseconds to watch for a refusal; Valet promises 5 seconds
const SAID_FOR = 8000; // milliseconds that good news stays; bad news stays until the next press

const $ = (id) => document.getElementById(id);

function show() {
  const held = oauth.tokens();
  for (const part of document.querySelectorAll("[data-while]")) {
    part.hidden = part.dataset.while !== (held ? "signed-in" : "signed-out");
  }
  for (const part of document.querySelectorAll("[data-if=bound]")) {
    part.hidden = !oauth.isBound();
  }
  $("who").textContent = "Signed out";
  if (held) {
    showTokens(held);
  }
}

function showTokens(held) {
  const access = oauth.decoded(held.access_token);
  const id = held.id_token ? oauth.decoded(held.id_token).claims : {};
  showName(id.preferred_username ?? id.name ?? access.claims.sub);
  const parts = held.access_token.split(".").map((part, index) => wire.element("span", { class: `part${index}` }, part));
  $("raw").replaceChildren(parts[0], ".", parts[1], ".", parts[2]);
  $("access-header").textContent = JSON.stringify(access.header, null, 2);
  $("access-claims").replaceChildren(...claimRows(access.claims));
  $("id-claims").replaceChildren(...claimRows(id));
  $("refresh-raw").textContent = held.refresh_token ?? "";
  $("refresh-words").textContent = held.refresh_token
    ? "Opaque: it means something to Valet alone, and each works once."
    : "This grant has none.";
  countDown();
}

function showName(name) {
  $("who").textContent = `Signed in as ${name}`;
  $("name").textContent = name;
}

function claimRows(claims) {
  return Object.entries(claims).map(([name, value]) => {
    const text = TIMES.has(name)
      ? `${value} (${new Date(value * 1000).toLocaleTimeString()})`
      : typeof value === "string"
        ? value
        : JSON.stringify(value);
    return wire.element(
      "tr",
      { "data-claim": name },
      wire.element("th", { scope: "row" }, name),
      wire.element("td", {}, wire.element("code", {}, text), wire.element("span", { class: "quiet" }, MEANING[name] ?? "")),
    );
  });
}

function countDown() {
  const held = oauth.tokens();
  if (!held) {
    return;
  }
  if (held.revoked) {
    $("countdown").textContent = REVOKED[held.revoked];
    return;
  }
  const left = Math.ceil(oauth.decoded(held.access_token).claims.exp - Date.now() / 1000);
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  $("countdown").textContent = left > 0 ? `The access token is good for ${clock} more.` : "The access token has expired: refresh it.";
}

async function showUser() {
  const user = await oauth.userinfo();
  if (user) {
    showName(user.preferred_username ?? user.name ?? user.sub);
  }
}

async function showSignature() {
  const good = await oauth.isSigned(oauth.tokens().access_token);
  $("signature").textContent = good
    ? "This one's signature was just verified, here in the browser, with Valet's public key."
    : "This one's signature does NOT verify.";
}

function showAnswer(call, { status, body }, words = WORDS[status] ?? "") {
  $("answer").hidden = false;
  $("answer-call").textContent = call;
  $("answer-status").textContent = String(status);
  $("answer-status").className = wire.statusClass(status);
  $("answer-words").textContent = words;
  $("answer-body").textContent = typeof body === "string" ? body : JSON.stringify(body, null, 2);
  say(`${call}: ${status}`);
}

let silence;

function say(words, isBad = false) {
  clearTimeout(silence);
  $("said").textContent = words;
  $("said").classList.toggle("bad", isBad);
  if (!isBad) {
    silence = setTimeout(() => say("", true), SAID_FOR);
  }
}

async function callApi(call) {
  const [method, path] = call.split(" ");
  showAnswer(call, await oauth.call(method, path, { withToken: $("with-token").checked }));
}

async function callAsThief() {
  const [asBearer, withOwnKey] = await oauth.callAsThief("GET", "/api/profile");
  const isRefused = asBearer.status === 401 && withOwnKey.status === 401;
  const words = isRefused
    ? "Refused before the API saw it, as a bearer token and with a proof by another key: without this browser's key, the token is worth nothing."
    : `Let in: ${asBearer.status} as a bearer token, ${withOwnKey.status} with a proof by another key.`;
  showAnswer("GET /api/profile", isRefused || asBearer.status !== 401 ? asBearer : withOwnKey, words);
}

async function copy() {
  await navigator.clipboard.writeText(oauth.tokens().access_token);
  const use = oauth.isBound() ? " It is refused without a proof by the key of this browser." : "";
  say(`Copied: the access token is in the clipboard.${use}`);
}

async function refresh() {
  const { status, body } = await oauth.refresh();
  if (status !== 200) {
    say(`Refused: ${body.error}. ${body.error_description ?? ""}`, true);
    return;
  }
  $("watch").hidden = true;
  show();
  await showUser();
  await showSignature();
  say("Refreshed: both tokens are new, and the old refresh token is used up.");
}

async function revoke(hint) {
  const { status } = await oauth.revoke(hint);
  if (status !== 200) {
    say(`The revocation was answered ${status}.`, true);
    return;
  }
  countDown();
  $("watch").hidden = false;
  $("watch").textContent = "Revoked. Calling the API until it refuses …";
  const began = performance.now();
  let calls = 0;
  let answered;
  do {
    if (calls > 0) {
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    answered = await oauth.call("GET", "/api/profile", { quiet: true });
    calls += 1;
  } while (answered.status !== 401 && performance.now() - began < REFUSED_AT_LAST);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  wire.write({ ...answered.entry, why: `Asked ${calls === 1 ? "once" : `${calls} times`} after the revocation; this is the last answer, after ${seconds} s.` });
  showAnswer("GET /api/profile", answered);
  $("watch").textContent =
    answered.status !== 401
      ? `Still let in after ${seconds} s: nothing told the authorizer, so this token ends when it expires. The refresh token is another matter: try it.`
      : `Refused ${seconds} s after it was revoked. ${hint === "refresh_token" ? "The refresh token is dead too: try it." : "The refresh token still works: try it."}`;
}

/** Runs what a button does; a second press waits, and a failure is said rather than lost. */
function when(button, deed) {
  button.disabled = false; // a press before this script ran would be lost
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
    say("", true); // what was said before is about something else
    try {
      await deed();
    } catch (failure) {
      say(failure.message, true);
    } finally {
      button.removeAttribute("aria-busy");
      button.disabled = false;
      button.focus({ preventScroll: true });
    }
  });
}

/** Scopes of an API of your own: /demo/#scope=orders asks for these, and for none of the demo API's. */
function showOwnScopes() {
  const own = (new URLSearchParams(location.hash.slice(1)).get("scope") ?? "").split(" ").filter(Boolean);
  const boxes = document.querySelector(".scopes");
  if (own.length === 0) return;
  for (const box of boxes.querySelectorAll("[name=scope]:not(:disabled)")) box.checked = false;
  for (const value of own) {
    const box = wire.element("input", { type: "checkbox", name: "scope", value });
    box.checked = true;
    boxes.append(wire.element("label", {}, box, " ", wire.element("code", {}, value)));
  }
}

async function start() {
  showOwnScopes();
  wire.show();
  const asked = () => [...document.querySelectorAll("[name=scope]:checked")].map((box) => box.value).join(" ");
  when($("sign-in"), () => oauth.signIn(asked(), $("bind").checked));
  when($("sign-out"), () => oauth.signOut());
  when($("thief"), callAsThief);
  when($("copy"), copy);
  when($("refresh"), refresh);
  when($("revoke-access"), () => revoke("access_token"));
  when($("revoke-grant"), () => revoke("refresh_token"));
  when($("clear"), async () => wire.clear());
  for (const button of document.querySelectorAll("[data-call]")) {
    when(button, () => callApi(button.dataset.call));
  }
  setInterval(countDown, 1000);
  show();
  try {
    const { signedIn, signedOut } = await oauth.answer();
    show();
    if (signedIn) {
      say("Signed in. The tokens are below: look at them, then call the API.");
    } else if (signedOut) {
      say("Signed out, at Valet and here.");
    }
    if (oauth.tokens()) {
      await showUser();
      await showSignature();
    }
  } catch (failure) {
    say(failure.message, true);
  }
}

start();
