// A client of MCP with one of its official libraries: signs in, lists the tools, calls two, and prints what it got.
// A line of standard output that begins with "open " is an address for the person's browser; the next line of standard
// input is the address that the browser comes back to. Without a client id it names itself by its document, if it has one
// and the issuer takes such clients, or else registers itself.
import { createInterface } from "node:readline";

const [library, url, redirectUrl, clientId, secret, item, document] = process.argv.slice(2);
const isOld = library === "@modelcontextprotocol/sdk";
const { Client } = await import(isOld ? `${library}/client/index.js` : library);
const { StreamableHTTPClientTransport } = await import(isOld ? `${library}/client/streamableHttp.js` : library);
const { UnauthorizedError } = await import(isOld ? `${library}/client/auth.js` : library);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const kept = {};
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: "Agent",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: secret ? "client_secret_basic" : "none",
  },
  state: () => (kept.state = crypto.randomUUID()),
  ...(document && { clientMetadataUrl: document }),
  clientInformation: () => (clientId ? { client_id: clientId, ...(secret && { client_secret: secret }) } : kept.client),
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (address) => void (kept.address = address.href),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (state) => void (kept.discovery = state),
  discoveryState: () => kept.discovery,
};

let transport, client;

/** What `task` gives, after the person has signed in or allowed more, if the server asks for that. */
async function signedIn(task) {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    console.log(`open ${kept.address}`);
    const answer = new URL((await lines.next()).value).searchParams;
    if (answer.get("state") !== kept.state) throw new Error("another state");
    await (isOld ? transport.finishAuth(answer.get("code")) : transport.finishAuth(answer));
    return await task();
  }
}

async function connect() {
  transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  client = new Client({ name: "agent", version: "1" }, isOld ? {} : { versionNegotiation: { mode: "auto" } });
  await client.connect(transport);
}

await signedIn(connect);
const { tools } = await client.listTools();
const listed = await client.callTool({ name: "list_items", arguments: {} });
const deleted = await signedIn(() => client.callTool({ name: "delete_item", arguments: { item_id: item } }));
console.log(
  JSON.stringify({
    tools: tools.map((tool) => tool.name).sort(),
    listed: listed.structuredContent,
    deleted: deleted.content[0].text,
    scope: kept.tokens.scope,
  }),
);
await client.close();
process.exit(0);
