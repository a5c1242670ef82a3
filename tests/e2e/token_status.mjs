// The status of an access token, as an API in JavaScript would look it up, with libraries that nobody here wrote.
//
// `node token_status.mjs <issuer> <audience>`: a token on standard input, what was found on standard output, as JSON.
// jose verifies both signatures by the issuer's own key set; @sd-jwt/jwt-status-list reads reference and list.

import { text } from "node:stream/consumers";

import { getListFromStatusListJWT, getStatusListFromJWT } from "@sd-jwt/jwt-status-list";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [issuer, audience] = process.argv.slice(2);
const token = (await text(process.stdin)).trim();

const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });

const { idx, uri } = getStatusListFromJWT(token);
const answer = await fetch(uri, { headers: { accept: "application/statuslist+jwt" } }); // it asks for gzip by itself
const list = await answer.text();
const { payload, protectedHeader } = await jwtVerify(list, keys, { issuer, subject: uri, typ: "statuslist+jwt" });
const statuses = getListFromStatusListJWT(list);
const aggregation = await (await fetch(metadata.status_list_aggregation_endpoint)).json();

console.log(
  JSON.stringify({
    status: statuses.getStatus(idx),
    set: statuses.statusList.filter((status) => status !== 0).length,
    length: statuses.statusList.length,
    bits: statuses.getBitsPerStatus(),
    contentType: answer.headers.get("content-type"),
    contentEncoding: answer.headers.get("content-encoding"),
    isAnnounced: aggregation.status_lists.includes(uri),
    alg: protectedHeader.alg,
    lifetime: payload.exp - payload.iat,
    ttl: payload.ttl,
  }),
);
