// A web server around Auth.js: what @auth/express or Next.js do with the recipe's settings.
import http from "node:http";
import { Auth } from "@auth/core";
import { authConfig } from "./settings.mjs";

const base = process.env.AUTH_URL;
http
  .createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    const asked = new Request(new URL(request.url, base), { method: request.method, headers: request.headers, body });
    const config = { ...authConfig, secret: process.env.AUTH_SECRET, trustHost: true, basePath: "/api/auth" };
    const answer = await Auth(asked, config);
    response.statusCode = answer.status;
    for (const [name, value] of answer.headers) response.appendHeader(name, value);
    response.end(await answer.text());
  })
  .listen(process.env.PORT, "127.0.0.1");
