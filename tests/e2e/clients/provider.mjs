// An OpenID Provider that nobody here wrote (npm: oidc-provider), for people who sign in to Valet with it.
//
// node provider.mjs REDIRECT_URI: listens on 127.0.0.1, prints its issuer, and ends with its standard input. Everybody
// who comes is signed in at once, as the person that login_hint names, or as ann, and has agreed.

import { createServer } from "node:http";
import Provider from "oidc-provider";

const PEOPLE = {
  ann: { email: "ann@example.com", email_verified: true, name: "Ann Archer", given_name: "Ann", family_name: "Archer" },
  bob: { email: "bob@example.com", email_verified: false, name: "Bob" },
};

const [redirectUri] = process.argv.slice(2);
const server = createServer((request, response) => answer(request, response));
let answer;
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "valet",
        client_secret: "the+provider's/secret",
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "given_name", "family_name"] },
    cookies: { keys: ["a key for the tests"] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
    const result = {};
    if (prompt.name === "login") {
      result.login = { accountId: Object.keys(PEOPLE).find((id) => params.login_hint?.startsWith(id)) ?? "ann" };
    } else {
      const grant = grantId
        ? await provider.Grant.find(grantId)
        : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      result.consent = { grantId: await grant.save() };
    }
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  });
  answer = provider.callback();
  console.log(issuer);
});
process.stdin.resume().on("end", () => process.exit());
