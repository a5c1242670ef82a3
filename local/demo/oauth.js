// A browser client's half of the authorization code grant with PKCE (OAuth 2.1 §4.1, RFC 7636), on WebCrypto alone.

import * as binding from "./binding.js";
import { base64url, bytes, random, sha256 } from "./bytes.js";
import { exchange, write } from "./wire.js";

const CLIENT_ID = "spa_demo";
const REDIRECT_URI = `${location.origin}/demo/`;
const REQUEST = "valet-demo.request"; // what was asked, until its answer comes back
const TOKENS = "valet-demo.tokens";

let discovered;

/** The tokens that this tab holds, or null. */
export function tokens() {
  return JSON.parse(sessionStorage.getItem(TOKENS));
}

export function forget() {
  sessionStorage.removeItem(TOKENS);
}

/** Whether the access token is bound to the key of this browser (RFC 9449 §5). */
export function isBound() {
  return tokens()?.token_type === "DPoP";
}

/** Leaves for the authorization endpoint (OAuth 2.1 §4.1.1). `binds`: to get tokens that are bound to this browser's key. */
export async function signIn(scope, binds) {
  const { authorization_endpoint } = await metadata();
  const request = { kind: "sign-in", state: random(), nonce: random(), code_verifier: random(), binds };
  const parameters = {
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope,
    state: request.state,
    nonce: request.nonce,
    code_challenge: base64url(await sha256(request.code_verifier)),
    code_challenge_method: "S256",
    ...(binds ? { dpop_jkt: await binding.thumbprint() } : {}), // only this key redeems the code (RFC 9449 §10)
  };
  leave(authorization_endpoint, parameters, request, "Off to sign in, with only the digest of the code_verifier.");
}

/** Leaves for the end-session endpoint (OIDC RP-Initiated Logout §2). The tokens here are dropped first. */
export async function signOut() {
  const { end_session_endpoint } = await metadata();
  const request = { kind: "sign-out", state: random() };
  const parameters = {
    id_token_hint: tokens().id_token,
    post_logout_redirect_uri: REDIRECT_URI,
    state: request.state,
  };
  forget();
  leave(end_session_endpoint, parameters, request, "Off to sign out; the ID token says which session is meant.");
}

/**
 * What the address bar brought back, if anything: {signedOut: true}, {signedIn: true} or a thrown Error.
 * The parameters leave the address bar at once: a code does not belong into the history.
 */
export async function answer() {
  const parameters = Object.fromEntries(new URLSearchParams(location.search));
  if (Object.keys(parameters).length === 0) {
    return {};
  }
  history.replaceState(null, "", REDIRECT_URI);
  write({ method: "GET", url: REDIRECT_URI, navigation: "Came back with", parameters, why: "The browser is back." });
  const request = JSON.parse(sessionStorage.getItem(REQUEST));
  sessionStorage.removeItem(REQUEST);
  // RFC 9700 §4.7.1: an answer that this tab did not ask for is somebody else's.
  if (!request || parameters.state !== request.state) {
    throw new Error("The state is not the one that this page sent, so the answer was thrown away.");
  }
  if (request.kind === "sign-out") {
    return { signedOut: true };
  }
  const { issuer, token_endpoint } = await metadata();
  // RFC 9207 §2.4: an answer of another authorization server is not for this token endpoint.
  if (parameters.iss !== issuer) {
    throw new Error("The answer came from another issuer, so it was thrown away.");
  }
  if (parameters.error) {
    throw new Error(`Valet answered ${parameters.error}: ${parameters.error_description ?? "no description"}`);
  }
  const form = {
    grant_type: "authorization_code",
    code: parameters.code,
    redirect_uri: REDIRECT_URI,
    client_id: CLIENT_ID,
    code_verifier: request.code_verifier,
  };
  const why = "The code and the code_verifier for the tokens.";
  const { status, body } = await atToken(token_endpoint, { form, why }, request.binds);
  if (status !== 200) {
    throw new Error(`The code was refused: ${body.error}`);
  }
  checkIdToken(body.id_token, issuer, request.nonce);
  keep(body);
  return { signedIn: true };
}

/** New tokens for the refresh token, which is used up by it (OAuth 2.1 §4.3). */
export async function refresh() {
  const { token_endpoint } = await metadata();
  const form = { grant_type: "refresh_token", refresh_token: tokens().refresh_token, client_id: CLIENT_ID };
  const answered = await atToken(token_endpoint, { form, why: "The refresh token for new tokens." }, isBound());
  if (answered.status === 200) {
    // Not every refresh answers an ID token; the one at hand stays good as a hint at sign-out.
    keep({ ...tokens(), ...answered.body, revoked: undefined });
  }
  return answered;
}

/** Revokes a token (RFC 7009 §2.1); `hint` is access_token or refresh_token, and `revoked` among the tokens from then on. */
export async function revoke(hint) {
  const { revocation_endpoint } = await metadata();
  const form = { token: tokens()[hint], token_type_hint: hint, client_id: CLIENT_ID };
  const answered = await exchange("POST", revocation_endpoint, { form, why: `Revoke the ${hint.replace("_", " ")}.` });
  if (answered.status === 200) {
    keep({ ...tokens(), revoked: tokens().revoked === "refresh_token" ? "refresh_token" : hint });
  }
  return answered;
}

/** Who signed in, in the issuer's words (OpenID Connect Core §5.3); null where it does not tell. */
export async function userinfo() {
  const { userinfo_endpoint } = await metadata();
  const headers = await presented("GET", userinfo_endpoint);
  const { status, body } = await exchange("GET", userinfo_endpoint, { headers, why: "Who is it? The scopes decide what is told." });
  return status === 200 ? body : null;
}

/** A request to the protected API, with the access token in its header (RFC 6750 §2.1, RFC 9449 §7.1) or without. */
export async function call(method, path, { withToken = true, quiet = false } = {}) {
  const held = withToken ? tokens() : null;
  const headers = held ? await presented(method, path) : {};
  const why = held ? "The protected API, with the access token." : "The protected API, without a token.";
  return exchange(method, path, { headers, why, quiet });
}

/** What a thief can try who has the access token and not the key: the answers, by what was tried. */
export async function callAsThief(method, path) {
  const { access_token } = tokens();
  const own = await binding.proof(method, path, access_token, await binding.newKeyPair());
  const asBearer = { Authorization: `Bearer ${access_token}` };
  const withOwnKey = { Authorization: `DPoP ${access_token}`, DPoP: own };
  return [
    await exchange(method, path, { headers: asBearer, why: "A thief sends the token as a bearer token." }),
    await exchange(method, path, { headers: withOwnKey, why: "A thief sends the token with a proof by another key." }),
  ];
}

/** The header and claims of a JWT, read and not verified. */
export function decoded(jwt) {
  const [header, claims] = jwt.split(".").slice(0, 2).map((part) => JSON.parse(new TextDecoder().decode(bytes(part))));
  return { header, claims };
}

/** Whether the JWT is signed by a key of the issuer's JWK Set (RFC 7515 §5.2, RFC 7517). */
export async function isSigned(jwt) {
  const { jwks_uri } = await metadata();
  const { body } = await exchange("GET", jwks_uri, { why: "The public keys, to verify the signature right here." });
  const { header } = decoded(jwt);
  const algorithm = {
    RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  }[header.alg];
  const jwk = body.keys.find(({ kid }) => kid === header.kid);
  if (!jwk || !algorithm) {
    return false;
  }
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  const end = jwt.lastIndexOf(".");
  return crypto.subtle.verify(algorithm, key, bytes(jwt.slice(end + 1)), new TextEncoder().encode(jwt.slice(0, end)));
}

/** A request to the token endpoint, with a proof if it `binds`; once more if the server asks for a nonce (RFC 9449 §8). */
async function atToken(url, sent, binds) {
  if (!binds) {
    return exchange("POST", url, sent);
  }
  const answered = await exchange("POST", url, { ...sent, headers: { DPoP: await binding.proof("POST", url) } });
  if (!binding.takeNonce(answered)) {
    return answered;
  }
  const headers = { DPoP: await binding.proof("POST", url) };
  const again = await exchange("POST", url, { ...sent, headers, why: "Again, with the nonce that Valet asked for." });
  binding.takeNonce(again);
  return again;
}

/** The headers that present the access token: a bound one comes with a new proof by its key. */
async function presented(method, url) {
  const { access_token } = tokens();
  return isBound()
    ? { Authorization: `DPoP ${access_token}`, DPoP: await binding.proof(method, url, access_token) }
    : { Authorization: `Bearer ${access_token}` };
}

async function metadata() {
  if (!discovered) {
    const url = `${location.origin}/.well-known/openid-configuration`;
    const { body } = await exchange("GET", url, { why: "Where everything is (OpenID Connect Discovery)." });
    if (body.issuer !== location.origin) {
      throw new Error(`The metadata names another issuer: ${body.issuer}`);
    }
    discovered = body;
  }
  return discovered;
}

// OpenID Connect Core §3.1.3.7. It came straight from the token endpoint, so its signature needs no check (item 6).
function checkIdToken(idToken, issuer, nonce) {
  if (!idToken) {
    return;
  }
  const { claims } = decoded(idToken);
  const isOurs = claims.iss === issuer && [claims.aud].flat().includes(CLIENT_ID) && claims.nonce === nonce;
  if (!isOurs || claims.exp * 1000 <= Date.now()) {
    throw new Error("The ID token is not an answer to this sign-in.");
  }
}

function leave(endpoint, parameters, request, why) {
  sessionStorage.setItem(REQUEST, JSON.stringify(request));
  write({ method: "GET", url: endpoint, navigation: "The browser goes there with", parameters, why });
  location.assign(`${endpoint}?${new URLSearchParams(parameters)}`);
}

function keep(answered) {
  sessionStorage.setItem(TOKENS, JSON.stringify(answered));
}
