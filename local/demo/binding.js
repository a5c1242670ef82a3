// The key that tokens are bound to, and proofs by it (DPoP, RFC 9449). Script can sign with the key and never read it.

import { base64url, random, sha256 } from "./bytes.js";

const DATABASE = "valet-demo";
const KEYS = "keys";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

let nonce; // the last that the authorization server answered

/** The key pair of this browser. IndexedDB keeps it, because signing in leaves the page, and all tabs share it. */
export async function keyPair() {
  const database = await opened();
  try {
    const kept = await done(database.transaction(KEYS).objectStore(KEYS).get("dpop"));
    if (kept) return kept;
    const made = await newKeyPair();
    const keys = database.transaction(KEYS, "readwrite").objectStore(KEYS);
    const others = await done(keys.get("dpop")); // another tab was faster
    if (!others) await done(keys.put(made, "dpop"));
    return others ?? made;
  } finally {
    database.close();
  }
}

/** A key pair whose private half is not extractable: a thief who runs script here cannot take it away. */
export function newKeyPair() {
  return crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
}

/** The thumbprint of the key (RFC 7638), which an authorization request names as dpop_jkt. */
export async function thumbprint() {
  return base64url(await sha256(JSON.stringify(await jwk(await keyPair()))));
}

/** A proof for one request (RFC 9449 §4.2), by the key of this browser or by `pair`. */
export async function proof(method, url, accessToken, pair) {
  const signer = pair ?? (await keyPair());
  const { origin, pathname } = new URL(url, location.href);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: await jwk(signer) };
  const claims = {
    jti: random(),
    htm: method,
    htu: `${origin}${pathname}`,
    iat: Math.floor(Date.now() / 1000),
    nonce,
    ath: accessToken && base64url(await sha256(accessToken)),
  };
  const parts = [header, claims].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part))));
  const signed = new TextEncoder().encode(parts.join("."));
  const signature = await crypto.subtle.sign(ALGORITHM, signer.privateKey, signed);
  return [...parts, base64url(signature)].join(".");
}

/** Keeps the nonce of an answer for the next proof, and tells whether the request has to be sent again with it (§8). */
export function takeNonce({ status, headers, body }) {
  nonce = headers.get("dpop-nonce") ?? nonce;
  return status === 400 && body.error === "use_dpop_nonce";
}

// The members that RFC 7638 §3.2 requires, in its order.
async function jwk({ publicKey }) {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  return { crv, kty, x, y };
}

function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(KEYS);
  return done(request);
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
